"""What users ask for: an attribute to be learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from attrbank.schema.choices import BankedZ, Core, Solver, Tail, Vectors, Weights
from attrbank.schema.fields import Finite, Fraction, Label, Name, Prompt, Record, Seeds


class PromptPair(Record):
    """A source prompt and the target prompt that adds the attribute to it."""

    source: Prompt
    target: Prompt


PromptPairs = Annotated[tuple[PromptPair, ...], Field(max_length=64)]
MAX_PICTURES = 1000
DEFAULT_METHOD = "avi"


class PictureFiles(Record):
    """A source picture and the target picture that adds the attribute to it, as files to be read."""

    source: Path
    target: Path


class PaperOptions(Record):
    """What the paper leaves open (docs/method.md 2); used with ``vectors="paper"`` only.

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


ALONE = frozenset({"mask", "component", "components"})
"""What there is to be changed can be found without a target, of these."""

METHOD_OPTIONS = ALONE.union({"branch", "core", "on", "pictures", "rank", "vectors"}, PaperOptions.model_fields)
"""What a user may give that not every method understands."""


def require_prompts_or_pictures(pairs: tuple[object, ...], pictures: tuple[object, ...]) -> None:
    """Refuse an attribute that is learned from both, or from nothing.

    Raises:
        ValueError: as pydantic's validators do.
    """
    if bool(pairs) == bool(pictures):
        raise ValueError("an attribute is learned either from pairs of prompts or from pairs of pictures")


class LearnSpec(Record):
    """What ``learn`` is asked to do, complete: no default is left to be filled in later.

    It learns from pairs of prompts or from pairs of pictures. Pictures are clean, so that then t_z = 0, and their one
    seed is that of Φ's training.

    Attributes:
        t_x: time of the edit, 0 < t_x ≤ 1, as a fraction of the training timesteps.
        delta_tau: t_z − t_x, with 0 ≤ t_z ≤ t_x and t_z < 1.
        branch: time at which the target's run leaves the source's, t_x ≤ branch ≤ 1; 1 is the noise that they share.
        vectors: where they come from, for methods that have any; None is the method's default.
        rank: rank r of the difference vectors.
        on: the word of the prompts at whose tokens a text direction acts; None finds it in each pair.
        mask: a picture, white where the attribute is to lie, for methods that look at a region. What there is to be
            changed there can be learned without a target: both prompts of a pair are then the same, and without any
            pair the model's own prompt is meant.
        component: which of several directions that are found at once, the first being 1.
        components: how many of them, from the first on, become attributes: then ``NAME-1``, ``NAME-2`` and so on.
    """

    name: Name
    pairs: PromptPairs = ()
    pictures: Annotated[tuple[PictureFiles, ...], Field(max_length=MAX_PICTURES)] = ()
    seeds: Seeds
    t_x: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    delta_tau: Finite
    branch: Fraction = 1.0
    method: Label = DEFAULT_METHOD
    vectors: Vectors | None = None
    core: Core | None = None
    rank: Annotated[int, Field(ge=1, le=256)] = 4
    on: Label | None = None
    mask: Path | None = None
    component: Annotated[int, Field(ge=1, le=64)] = 1
    components: Annotated[int, Field(ge=1, le=16)] = 1
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
        if self.pairs or self.pictures or not self.model_fields_set & ALONE:
            require_prompts_or_pictures(self.pairs, self.pictures)
        if {"component", "components"} <= self.model_fields_set:
            raise ValueError("components are counted from the first: give either component or components")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """What the attributes are called that it makes, one or several."""
        if self.components == 1:
            return (self.name,)
        return tuple(f"{self.name}-{number}" for number in range(1, self.components + 1))

    @property
    def method_options(self) -> set[str]:
        """Those of ``METHOD_OPTIONS`` that somebody gave."""
        given = {name for name in self.model_fields_set & METHOD_OPTIONS if getattr(self, name) not in (None, ())}
        return given | (set(self.paper.model_fields_set) if "paper" in self.model_fields_set else set())

    @property
    def t_z(self) -> float:
        """The target prompt's time, T_x + Δτ, rounded to hide float noise."""
        return round(self.t_x + self.delta_tau, 9)
