"""The pydantic models that cross a boundary: what users ask for, what artifacts store, what pictures carry."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

FORMAT_VERSION = 1
NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,63}"

Name = Annotated[str, StringConstraints(pattern=re.compile(rf"^{NAME_PATTERN}\Z"))]
Sha256 = Annotated[str, StringConstraints(pattern=re.compile(r"^[0-9a-f]{64}\Z"))]
Prompt = Annotated[str, StringConstraints(max_length=2000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

Vectors = Literal["difference", "paper"]
Core = Literal["mean", "mlp", "conv", "own"]
Tail = Literal["text", "alg1"]
Solver = Literal["mlp", "exact"]
Weights = Literal["blend", "s", "s+ds", "s_x"]
BankedZ = Literal["banked", "own"]
Inversion = Literal["ddim", "refined"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PromptPair(_Model):
    """A source prompt and the target prompt that adds the attribute to it."""

    source: Prompt
    target: Prompt


PromptPairs = Annotated[tuple[PromptPair, ...], Field(max_length=64)]
MAX_PICTURES = 1000


class PictureFiles(_Model):
    """A source picture and the target picture that adds the attribute to it, as files to be read."""

    source: Path
    target: Path


class PicturePair(_Model):
    """The same once they were read: the SHA-256 of either file."""

    source: Sha256
    target: Sha256


class PaperOptions(_Model):
    """What the paper leaves open (METHOD section 2); used with ``vectors="paper"`` only.

    Attributes:
        tail: which of z's singular vectors are grafted.
        solver: the network Φ, or the closed-form minimiser.
        weights: the singular values of y at inference.
        z: the learning seed's z, or the target prompt run from the image's own noise.
        k: head size, 1 ≤ k < min(H, W); None is half of it.
        width: hidden width of Φ; None is the compact default.
        samples: re-noised samples Φ is trained on.
    """

    tail: Tail = "text"
    solver: Solver = "exact"
    weights: Weights = "blend"
    z: BankedZ = "banked"
    k: Annotated[int, Field(ge=1)] | None = None
    width: Annotated[int, Field(ge=1, le=16384)] | None = None
    samples: Annotated[int, Field(ge=1, le=1_000_000)] = 500


def _require_prompts_or_pictures(learned: LearnSpec | AttributeRecord) -> None:
    if bool(learned.pairs) == bool(learned.pictures):
        raise ValueError("an attribute is learned either from pairs of prompts or from pairs of pictures")


class LearnSpec(_Model):
    """What ``learn`` is asked to do, complete: no default is left to be filled in later.

    It learns from pairs of prompts or from pairs of pictures. Pictures are clean, so that then t_z = 0, and their one
    seed is that of Φ's training.

    Attributes:
        t_x: time of the edit, 0 < t_x ≤ 1, as a fraction of the training timesteps.
        delta_tau: t_z − t_x, with 0 ≤ t_z ≤ t_x and t_z < 1.
        branch: time at which the target's run leaves the source's, t_x ≤ branch ≤ 1; 1 is the noise that they share.
        rank: rank r of the difference vectors.
    """

    name: Name
    pairs: PromptPairs = ()
    pictures: Annotated[tuple[PictureFiles, ...], Field(max_length=MAX_PICTURES)] = ()
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=100_000)]
    t_x: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    delta_tau: Finite
    branch: Fraction = 1.0
    method: Label = "avi"
    vectors: Vectors = "difference"
    core: Core | None = None
    rank: Annotated[int, Field(ge=1, le=256)] = 4
    paper: PaperOptions = PaperOptions()
    sampler: Label = "ddim"
    steps: Annotated[int, Field(ge=1, le=1000)] = 50
    guidance_scale: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 7.5

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        if not 0 <= self.t_z <= self.t_x:
            raise ValueError(f"T_z = T_x + Δτ must lie between 0 and T_x = {self.t_x:g}, not at {self.t_z:g}")
        if self.t_z == 1:
            raise ValueError("T_z = T_x + Δτ must lie below 1, where there is only noise")
        if self.branch < self.t_x:
            raise ValueError(f"the target's branch must not come after T_x = {self.t_x:g}, as {self.branch:g} does")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed is given twice")
        if len(self.seeds) < len(self.pairs):
            raise ValueError(f"{len(self.pairs)} prompt pairs need at least as many seeds")
        return self

    @model_validator(mode="after")
    def _prompts_or_pictures(self) -> Self:
        _require_prompts_or_pictures(self)
        return self

    @property
    def t_z(self) -> float:
        """The target prompt's time, T_x + Δτ, rounded to hide float noise."""
        return round(self.t_x + self.delta_tau, 9)


class Binding(_Model):
    """The backbone that an attribute belongs to; ``apply`` refuses any other (DESIGN section 5).

    Attributes:
        family: what kind of model it is; artifacts that do not say are from when there was one kind.
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


class Resolved(_Model):
    """Where the fractions fell on the grid that learning used; recorded, not binding."""

    timestep_x: Annotated[int, Field(ge=0)]
    timestep_z: Annotated[int, Field(ge=-1)]
    alpha_bar_x: Fraction
    alpha_bar_z: Fraction


class Calibration(_Model):
    """How an attribute's effect grows with the raw strength, measured on seeds that it was not learned from.

    Attributes:
        core: the core that was measured; others are not calibrated.
        strengths: shares of a picture's effect at strength 1, increasing from 0 to 1.
        raw: the raw strength at which most pictures have as much, increasing.
        low, high: between these strengths the effect grows and the picture stays whole.
        judge: who looked.
        seeds: of the pictures that were looked at.
    """

    core: Core
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


class AttributeRecord(_Model):
    """All that an artifact says about itself beside its tensors. Volatile facts stay out.

    Attributes:
        core: the core that ``apply`` takes unless told otherwise (difference vectors).
        units: per core, the factor that makes strength 1 the full effect (METHOD section 5, point 4).
        rank: rank of the mean's vectors; None for the paper's.
        pictures: what it was learned from, if not from prompts.
        branch: time at which the target's run left the source's.
        measured: figures taken at learning, such as held-out explained variance.
        calibration: what strengths mean; None where strength is what the method takes.
    """

    format_version: Literal[1] = 1
    name: Name
    method: Label
    vectors: Vectors
    core: Core | None = None
    rank: Annotated[int, Field(ge=1, le=256)] | None = None
    units: dict[Core, Finite] = {}
    paper: PaperOptions | None = None
    pairs: PromptPairs = ()
    pictures: Annotated[tuple[PicturePair, ...], Field(max_length=MAX_PICTURES)] = ()
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=100_000)]
    t_x: Fraction
    delta_tau: Finite
    branch: Fraction = 1.0
    resolved: Resolved
    backbone: Binding
    sampler: Label
    steps: Annotated[int, Field(ge=1, le=1000)]
    guidance_scale: Finite
    measured: dict[Label, Finite] = {}
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _prompts_or_pictures(self) -> Self:
        _require_prompts_or_pictures(self)
        return self

    @model_serializer(mode="wrap")
    def _without_later_fields(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What makes no use of fields that came later keeps the bytes, and so the id, that it always had."""
        fields: dict[str, Any] = serialise(self)
        unused = {"pictures": not self.pictures, "branch": self.branch == 1}
        return {name: value for name, value in fields.items() if not unused.get(name, False)}

    @property
    def prompt(self) -> str | None:
        """The first source prompt; None if it was learned from pictures."""
        return self.pairs[0].source if self.pairs else None


class PictureFile(_Model):
    """A picture that took part, by content; the name, without its folder, is a reminder."""

    name: Label
    sha256: Sha256


class Step(_Model):
    """One attribute of a recipe, pinned by id."""

    name: Name
    id: Sha256
    strength: Finite
    t: Annotated[int, Field(ge=0)]
    core: Core | None = None
    raw: bool = False


class Recipe(_Model):
    """A reproducible apply, as carried by the PNG; steps in the order in which they act.

    Attributes:
        forced: whether an attribute acts on a relative of the model that it was learned on.
        image: the picture that was edited; None if it was generated.
        inversion: how that became a latent, under the same prompt and guidance as the edit.
        mask: of the region that was edited.
        only_after: whether the PNG is the edited picture alone.
    """

    format_version: Literal[1] = 1
    steps_applied: Annotated[tuple[Step, ...], Field(min_length=1, max_length=64)]
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
