"""What may be set of the pullback; nothing here imports torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ITERATIONS = 8
"""Of a picture's own basis, where a direction is transported: always as many, so that it is known what they cost."""


class Parameters(BaseModel):
    """The settings of arXiv 2307.12868.

    Attributes:
        repeats: how often an edit goes on along its direction, at the one timestep.
        guidance: by how much of the change of ε each time.
        transport: 0 pulls a banked direction of the bottleneck back by Jᵀ; r writes it in the r strongest directions
            that the picture has there itself, as published, which are looked for in every picture anew.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repeats: Annotated[int, Field(ge=1, le=256)] = 16
    guidance: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1.0
    transport: Annotated[int, Field(ge=0, le=64)] = 0
