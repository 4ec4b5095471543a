"""What was measured of attributes, as banks keep it beside them: a card each, and a matrix of how they go together."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field, computed_field

from attrbank.schema.choices import Split
from attrbank.schema.fields import Finite, Label, Name, Prompt, Record, Sha256

Rule: TypeAlias = Literal["sequence", "sum", "root"]
"""How several attributes act at once.

sequence: one after the other, as ``apply`` does. sum: what each changes in the unedited latent is added up.
root: the same sum over √n.
"""

Count = Annotated[int, Field(ge=1)]

SERIOUS, ENOUGH = 0.1, 8
"""A share of pictures that is too large to be lost to another attribute, and how many it takes to be sure of that."""


class Protocol(Record):
    """How it was measured: two evaluations can be compared if this is the same.

    Attributes:
        seeds: of the pictures, such as "10000-10063".
        judge: who looked, by its own name: "judge" or "tuner" (the oracles of ``portraits``), "clip", "self" ...
        judge_weights: what identifies the judge's weights.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")  # the hash comes along, and is never believed

    split: Split
    seeds: str
    prompt: str
    backbone: str
    fingerprint: str
    sampler: str
    steps: int
    guidance_scale: Finite
    judge: str
    judge_weights: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def hash(self) -> str:
        """Twelve hex digits that stand for all of the above but the backbone's name, which may be a path."""
        return hashlib.sha256(self.model_dump_json(exclude={"hash", "backbone"}).encode()).hexdigest()[:12]


class Estimate(Record):
    """A figure and its 95 % interval over pictures; as text ``0.95 [0.91, 0.98]``."""

    value: Finite
    low: Finite
    high: Finite

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


Estimates = Annotated[dict[Label, Estimate], Field(max_length=64)]


class Matched(Record):
    """A curve where its success is .95, so that nobody looks gentle for having done nothing.

    Attributes:
        strength: where that is.
        reached: whether it ever is; if not, this is where success is highest.
        figures: success, damage, flips, identity and perceptual there, as far as the judge can tell, and ``excess``,
            the share by which the perceptual distance exceeds the limit.
    """

    strength: Finite
    reached: bool
    figures: Estimates


class Card(Record):
    """What was measured of one attribute.

    Attributes:
        id: the artifact's.
        pictures: how many lacked the attribute and were judged.
        target: the prompt that asks for the same.
        full: figures at strength 1, the full effect; None if it was not measured there.
        limit: the figures of a perfect edit.
        usable: the strengths between which the attribute comes and the picture is not overdone; None if it never comes.
    """

    format_version: Literal[1] = 1
    id: Sha256
    protocol: Protocol
    pictures: Count
    target: Prompt
    full: Estimates | None
    matched: Matched
    limit: Annotated[dict[Label, Finite], Field(max_length=64)]
    usable: tuple[Finite, Finite] | None


class Pairing(Record):
    """How one attribute fares beside another that acts after it, or before it where their times say so.

    Attributes:
        of: the attribute.
        given: the other.
        pictures: how many lacked the attribute and were judged.
        alone: its success by itself.
        together: its success with the other as well.
        gain: together − alone, over the same pictures.
        survival: share of the pictures to which the other came by itself in which it is still there with both; None
            if it never came.
        order: share of all pictures in which either one's coming depends on which acts first.
    """

    of: Sha256
    given: Sha256
    pictures: Count
    alone: Estimate
    together: Estimate
    gain: Estimate
    survival: Estimate | None
    order: Estimate

    @property
    def bad(self) -> bool:
        """Whether the other surely costs the attribute a tenth of the pictures or more."""
        return self.gain.value <= -SERIOUS and self.gain.high < 0 and self.pictures >= ENOUGH


class Group(Record):
    """Several attributes at once.

    Attributes:
        ids: in the order in which they are given.
        success: share of all pictures that show every one of them.
        perceptual: distance to the unedited picture; None where the judge knows none.
        damage: share of all pictures that are damaged; None where the judge cannot tell.
    """

    ids: Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=64)]
    rule: Rule
    pictures: Count
    success: Estimate
    perceptual: Estimate | None
    damage: Estimate | None = None


class Matrix(Record):
    """How attributes go together, all at strength 1.

    Attributes:
        names: by id.
        pairs: every attribute beside every other.
        groups: some of them at once, from one to several.
    """

    format_version: Literal[1] = 1
    protocol: Protocol
    names: Annotated[dict[Sha256, Name], Field(max_length=64)]
    pairs: Annotated[tuple[Pairing, ...], Field(max_length=64 * 63)]
    groups: Annotated[tuple[Group, ...], Field(max_length=10_000)]
