"""The figures of an evaluation, as JSON keeps them and as tables, plots and cards read them."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, computed_field

from attrbank.evaluation.estimates import Estimate
from attrbank.evaluation.split import Split


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Protocol(_Model):
    """How it was measured: two evaluations can be compared if this is the same.

    Attributes:
        seeds: of the pictures, such as "10000-10063".
        judge: who looked: "judge", "tuner" or "clip".
        judge_weights: what identifies the judge's weights.
    """

    split: Split
    seeds: str
    prompt: str
    backbone: str
    fingerprint: str
    sampler: str
    steps: int
    guidance_scale: float
    judge: str
    judge_weights: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def hash(self) -> str:
        """Twelve hex digits that stand for all of the above but the backbone's name, which may be a path."""
        return hashlib.sha256(self.model_dump_json(exclude={"hash", "backbone"}).encode()).hexdigest()[:12]


class Point(_Model):
    """One strength.

    Attributes:
        figures: by name, such as success, flips, identity, perceptual.
        distances: of all pictures together: fid, kid.
        unet_evaluations: rows of the network that one picture takes, from its noise to its end.
        seconds: the same on the clock.
    """

    strength: float
    figures: dict[str, Estimate]
    distances: dict[str, float] = {}
    unet_evaluations: float
    seconds: float


class Matched(_Model):
    """A curve where its success is .95, so that nobody looks gentle for having done nothing.

    Attributes:
        strength: where that is.
        reached: whether it ever is; if not, this is where success is highest.
        figures: success, flips, identity and perceptual there, and ``excess``, the share by which the perceptual
            distance exceeds the limit.
    """

    strength: float
    reached: bool
    figures: dict[str, Estimate]


class Curve(_Model):
    """One competitor's sweep.

    Attributes:
        points: from weak to strong.
        monotonicity: share of consecutive strengths, from the unedited picture on, at which the effect does not fall.
        smoothness: mean over maximal slope of the effect, 1 where equal steps have equal effects.
        usable: the strengths between which the attribute comes and the picture is not overdone; None if it never comes.
    """

    competitor: str
    points: tuple[Point, ...]
    matched: Matched
    monotonicity: float
    smoothness: float
    usable: tuple[float, float] | None

    def at(self, strength: float) -> Point | None:
        """The point at a strength, if it was measured."""
        return next((point for point in self.points if point.strength == strength), None)

    @property
    def best(self) -> Point:
        """The point with the highest success, the weakest if several have it."""
        return max(self.points, key=lambda point: (point.figures["success"].value, -point.strength))

    @property
    def unet_evaluations(self) -> float:
        """Of one picture, at the measured strength that is nearest to the matched one."""
        return min(self.points, key=lambda point: abs(point.strength - self.matched.strength)).unet_evaluations


class AttributeFigures(_Model):
    """Everything about one attribute.

    Attributes:
        pictures: how many lacked the attribute and are judged.
        limit: the figures of a perfect edit.
        unedited: the unedited pictures' distances between distributions.
    """

    name: str
    id: str
    target: str
    size_bytes: int
    pictures: int
    limit: dict[str, float]
    unedited: dict[str, float]
    curves: tuple[Curve, ...]

    def curve(self, competitor: str) -> Curve | None:
        """A competitor's curve, if it was measured."""
        return next((curve for curve in self.curves if curve.competitor == competitor), None)


class Figures(_Model):
    """An evaluation."""

    format_version: Literal[1] = 1
    protocol: Protocol
    attributes: tuple[AttributeFigures, ...]
