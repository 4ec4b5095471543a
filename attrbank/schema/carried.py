"""What a picture carries: how it was made, so that it can be made again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from attrbank.schema.choices import MAX_ATTRIBUTES, MAX_LABEL, Core, Inversion
from attrbank.schema.fields import Finite, Label, Name, Prompt, Record, Seed, Sha256, Time
from attrbank.text import Dtype


class PictureFile(Record):
    """A picture that took part, by content; the name, without its folder, is a reminder."""

    name: Label
    sha256: Sha256


class RecipeTurn(Record):
    """One attribute's turn in a recipe, pinned by id.

    Attributes:
        at: the time that was asked for, as users write it; None for the attribute's own.
    """

    name: Name
    id: Sha256
    strength: Finite
    t: Annotated[int, Field(ge=0)]
    core: Core | None = None
    raw: bool = False
    at: Time | None = None
    on: Label | None = None


class Recipe(Record):
    """A reproducible apply, as carried by the PNG.

    Attributes:
        steps_applied: the attributes' turns, in the order in which they act. Pictures carry this name, from when a
            turn was called a step; ``steps`` are the sampler's.
        forced: whether an attribute acts on a relative of the model that it was learned on.
        image: the picture that was edited; None if it was generated.
        inversion: how that became a latent, under the same prompt and guidance as the edit.
        mask: of the region that was edited.
        only_after: whether the PNG is the edited picture alone.
        dtype: the precision of the networks; None where the backbone does not say, and in older pictures.
        parts: fingerprints of the model's parts beside the network that denoises.
        plugins: the packages that took part beside attrbank, with their versions.
        negative_prompt: what guidance led away from; empty, as in older pictures, for what says nothing.
    """

    format_version: Literal[1] = 1
    steps_applied: Annotated[tuple[RecipeTurn, ...], Field(min_length=1, max_length=MAX_ATTRIBUTES)]
    prompt: Prompt
    seed: Seed
    sampler: Label
    steps: Annotated[int, Field(ge=1, le=1000)]
    guidance_scale: Finite
    backbone: Label
    fingerprint: Label
    forced: bool = False
    image: PictureFile | None = None
    inversion: Inversion | None = None
    mask: PictureFile | None = None
    only_after: bool = False
    dtype: Dtype | None = None
    parts: dict[Label, Sha256] = Field(default_factory=dict)
    plugins: dict[Label, Annotated[str, Field(max_length=MAX_LABEL)]] = Field(default_factory=dict)
    negative_prompt: Prompt = ""
