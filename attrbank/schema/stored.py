"""What artifacts store."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer, model_validator

from attrbank.schema.asked import MAX_PICTURES, PaperOptions, PromptPairs, require_prompts_or_pictures
from attrbank.schema.choices import ON_THE_WAY, Core, Vectors
from attrbank.schema.fields import Finite, Fraction, Label, Name, Record, Seed, Sha256
from attrbank.text import MAX_SEEDS

MAX_TIMES, MAX_WORDS = 64, 64


class PicturePair(Record):
    """The same once they were read: the SHA-256 of either file."""

    source: Sha256
    target: Sha256


class Binding(Record):
    """The backbone that an attribute belongs to; ``apply`` refuses any other (docs/architecture.md 6).

    Attributes:
        family: what kind of model it is; artifacts that do not say are from when there was one kind.
        parts: fingerprints of what stands around the network that denoises, as far as the model knew them.
    """

    name: Label
    fingerprint: Annotated[str, StringConstraints(pattern=re.compile(r"^[0-9a-f]{16,64}\Z"))]
    latent_shape: tuple[
        Annotated[int, Field(ge=1, le=4096)],
        Annotated[int, Field(ge=1, le=4096)],
        Annotated[int, Field(ge=1, le=4096)],
    ]
    prediction_type: Label
    family: Label = "stable_diffusion"
    parts: dict[Label, Sha256] = Field(default_factory=dict)

    @model_serializer(mode="wrap")
    def _without_later_fields(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As ``AttributeRecord`` does."""
        fields: dict[str, Any] = serialise(self)
        return {name: value for name, value in fields.items() if name != "parts" or value}


class Resolved(Record):
    """Where the fractions fell on the grid that learning used; recorded, not binding."""

    timestep_x: Annotated[int, Field(ge=0)]
    timestep_z: Annotated[int, Field(ge=-1)]
    alpha_bar_x: Fraction
    alpha_bar_z: Fraction


class Calibration(Record):
    """How an attribute's effect grows with the raw strength, as an oracle sees it on seeds of its own.

    Of the core ``live`` as the clean latent shows it, on learning seeds.

    Attributes:
        core: the core that was measured; others are not calibrated. None where the method has none.
        strengths: shares of a picture's effect at strength 1, increasing from 0 to 1.
        raw: the raw strength at which most pictures have as much, increasing.
        low, high: between these strengths the effect grows and the picture stays whole.
        judge: who looked.
        seeds: of the pictures that were looked at.
    """

    core: Core | None
    strengths: Annotated[tuple[Finite, ...], Field(min_length=2, max_length=64)]
    raw: Annotated[tuple[Finite, ...], Field(min_length=2, max_length=64)]
    low: Finite
    high: Finite
    judge: Label
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=10_000)]

    @model_validator(mode="after")
    def _is_a_map(self) -> Self:
        if len(self.strengths) != len(self.raw):
            raise ValueError("a calibration needs one raw strength for each strength")
        if not (_increasing(self.strengths) and _increasing(self.raw)):
            raise ValueError("a calibration must increase")
        if (self.strengths[0], self.raw[0], self.strengths[-1]) != (0.0, 0.0, 1.0):
            raise ValueError("a calibration leads from no edit at 0 to the full effect at 1")
        return self


def _increasing(values: tuple[float, ...]) -> bool:
    return all(left < right for left, right in pairwise(values))


class Trial(Record):
    """What was tried when an attribute was tuned.

    Attributes:
        core: which acted; None where the method has none.
        t_x: when; None where it acts at times of its own.
        figures: where success first reaches .95, or is highest.
    """

    core: Core | None
    t_x: Fraction | None
    figures: Annotated[dict[Label, Finite], Field(max_length=64)]


class Tuning(Record):
    """How core and time were chosen.

    Attributes:
        judge: who looked, by its own name.
        oracle: whether it knows the truth.
        trials: all that was tried.
        chosen: which of them.
    """

    judge: Label
    oracle: bool
    trials: Annotated[tuple[Trial, ...], Field(min_length=1, max_length=64)]
    chosen: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _chooses_what_was_tried(self) -> Self:
        if self.chosen >= len(self.trials):
            raise ValueError("what was chosen was not tried")
        return self


class Imported(Record):
    """Where an attribute comes from that attrbank did not learn.

    Attributes:
        format: whose files are like that.
        sha256: of the file.
    """

    format: Label
    sha256: Sha256


class AttributeRecord(Record):
    """All that an artifact says about itself beside its tensors. Volatile facts stay out.

    Attributes:
        vectors: where they come from; None if the method has none.
        core: the core that ``apply`` takes unless told otherwise (difference vectors).
        units: per core, the factor that makes strength 1 the full effect (docs/method.md 5.4).
        rank: rank of the mean's vectors; None for the paper's.
        pictures: what it was learned from, if not from prompts.
        branch: time at which the target's run left the source's.
        times: ᾱ at the times at which a core of ``ON_THE_WAY`` acts, the noisiest first; others act once, at T_x.
        words: of prompts, at whose tokens a text direction acts, as many of them as a prompt has.
        imported: where it comes from, if it was not learned here; what it was learned from is then not known.
        measured: figures taken at learning, such as held-out explained variance.
        calibration: what strengths mean; None where strength is what the method takes.
        tuning: what was tried to find core and time; None if nothing was.
    """

    format_version: Literal[1] = 1
    name: Name
    method: Label
    vectors: Vectors | None = None
    core: Core | None = None
    rank: Annotated[int, Field(ge=1, le=256)] | None = None
    units: dict[Core, Finite] = Field(default_factory=dict)
    paper: PaperOptions | None = None
    pairs: PromptPairs = ()
    pictures: Annotated[tuple[PicturePair, ...], Field(max_length=MAX_PICTURES)] = ()
    seeds: Annotated[tuple[Seed, ...], Field(max_length=MAX_SEEDS)]
    t_x: Fraction
    delta_tau: Finite
    branch: Fraction = 1.0
    times: Annotated[tuple[Fraction, ...], Field(max_length=MAX_TIMES)] = ()
    words: Annotated[tuple[Label, ...], Field(max_length=MAX_WORDS)] = ()
    imported: Imported | None = None
    resolved: Resolved
    backbone: Binding
    sampler: Label
    steps: Annotated[int, Field(ge=1, le=1000)]
    guidance_scale: Finite
    measured: dict[Label, Finite] = Field(default_factory=dict)
    calibration: Calibration | None = None
    tuning: Tuning | None = None

    @model_validator(mode="after")
    def _learned_from_something_or_imported(self) -> Self:
        if self.imported is None:
            require_prompts_or_pictures(self.pairs, self.pictures)
        if bool(self.imported) == bool(self.seeds) or (self.imported and (self.pairs or self.pictures)):
            raise ValueError("an attribute is learned with seeds, or was imported, and then nobody knows from what")
        return self

    @model_validator(mode="after")
    def _has_times_for_the_way(self) -> Self:
        if bool(ON_THE_WAY & self.units.keys()) != bool(self.times) or (self.times and not self.pairs):
            raise ValueError("a core that acts on the way takes prompts and times at which to act")
        if list(self.times) != sorted(self.times):
            raise ValueError("the times at which an attribute acts must go from the noisiest on")
        return self

    @model_serializer(mode="wrap")
    def _without_later_fields(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What makes no use of fields that came later keeps the bytes, and so the id, that it always had."""
        fields: dict[str, Any] = serialise(self)
        unused = {
            "pictures": not self.pictures,
            "branch": self.branch == 1,
            "times": not self.times,
            "words": not self.words,
            "imported": self.imported is None,
            "vectors": self.vectors is None,
            "tuning": self.tuning is None,
        }
        return {name: value for name, value in fields.items() if not unused.get(name, False)}

    @property
    def t_z(self) -> float:
        """T_x + Δτ, rounded to hide float noise: the target prompt's time, or where an interval ends."""
        return round(self.t_x + self.delta_tau, 9)

    @property
    def prompt(self) -> str | None:
        """The first source prompt; None if it was learned from pictures, or imported."""
        return self.pairs[0].source if self.pairs else None
