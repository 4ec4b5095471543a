"""What may be set of a slider; nothing here imports torch."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Layers: TypeAlias = Literal["attention", "rest", "all"]
"""Which layers change: the attention's projections; all but cross-attention and the time's embedding; or both."""


class Parameters(BaseModel):
    """What may be set.

    Attributes:
        rank: of each layer's change.
        layers: which layers change.
        iterations: of the training.
        rate: of Adam at its beginning.
        scale: of the difference at strength 1, in units of the run's guidance scale. At 1, and if the source is the
            picture's own prompt, strength 1 is trained towards that prompt exchanged for the target.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: Annotated[int, Field(ge=1, le=256)] = 4
    layers: Layers = "rest"
    iterations: Annotated[int, Field(ge=1, le=100_000)] = 200
    rate: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 5e-4
    scale: Annotated[float, Field(gt=0, le=20, allow_inf_nan=False)] = 1.0
