"""The types that records are made of, and what all records have in common."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from attrbank.schema.choices import MAX_LABEL, MAX_PROMPT
from attrbank.text import MAX_SEEDS, NAME_PATTERN, SEED_LIMIT, TIME_PATTERN

FORMAT_VERSION = 1

Name = Annotated[str, StringConstraints(pattern=re.compile(rf"^{NAME_PATTERN}\Z"))]
Sha256 = Annotated[str, StringConstraints(pattern=re.compile(r"^[0-9a-f]{64}\Z"))]
Prompt = Annotated[str, StringConstraints(max_length=MAX_PROMPT)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL)]
Seed = Annotated[int, Field(ge=0, lt=SEED_LIMIT)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_SEEDS)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Time = Annotated[str, StringConstraints(pattern=re.compile(rf"^(?:{TIME_PATTERN})\Z"))]
Finite = Annotated[float, Field(allow_inf_nan=False)]

Part = Literal["text", "codec"]
"""What stands around the network that denoises: text encoders with their tokenizers, and the image codec."""


class Record(BaseModel):
    """Immutable, and closed: a field that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
