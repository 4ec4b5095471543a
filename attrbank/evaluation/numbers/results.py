"""The figures of an evaluation, as JSON keeps them and as tables, plots and cards read them."""

from __future__ import annotations

from math import isclose
from typing import Literal

from pydantic import BaseModel, ConfigDict

from attrbank.evaluation.numbers.curves import success_within
from attrbank.schema.measured import Estimate, Matched, Protocol


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Learning(_Model):
    """What it took to learn an attribute.

    Attributes:
        seeds: how many it was learned from.
        evaluations: rows that the network predicted.
        seconds: the same on the clock.
        size_bytes: of the artifact.
    """

    seeds: int
    evaluations: int
    seconds: float
    size_bytes: int


class Point(_Model):
    """One strength.

    Attributes:
        figures: by name, such as success, damage, flips, identity, perceptual.
        distances: of all pictures together: fid, kid, diversity.
        unet_evaluations: rows of the network that one picture takes, from its noise to its end.
        seconds: the same on the clock.
    """

    strength: float
    figures: dict[str, Estimate]
    distances: dict[str, float] = {}
    unet_evaluations: float
    seconds: float


class Curve(_Model):
    """One competitor's sweep.

    Attributes:
        points: from weak to strong.
        monotonicity: share of consecutive strengths, from the unedited picture on, at which the effect does not fall.
        smoothness: mean over maximal slope of the effect, 1 where equal steps have equal effects.
        usable: the strengths between which the attribute comes and the picture is not overdone; None if it never comes.
        learning: what it took to learn it; None for what learns nothing, or was learned before.
    """

    competitor: str
    points: tuple[Point, ...]
    matched: Matched
    monotonicity: float
    smoothness: float
    usable: tuple[float, float] | None
    learning: Learning | None = None

    def at(self, strength: float) -> Point | None:
        """The point at a strength, if it was measured."""
        return next((point for point in self.points if point.strength == strength), None)

    @property
    def best(self) -> Point:
        """The point with the highest success, the weakest if several have it."""
        return max(self.points, key=lambda point: (point.figures["success"].value, -point.strength))

    @property
    def nearest(self) -> Point:
        """The measured point that is nearest to the matched strength."""
        return min(self.points, key=lambda point: abs(point.strength - self.matched.strength))

    @property
    def matched_point(self) -> Point | None:
        """The point at the matched strength, if that is one that was measured, and none between two."""
        close = (point for point in self.points if isclose(point.strength, self.matched.strength, abs_tol=1e-9))
        return next(close, None)

    def within(self, distance: float) -> float | None:
        """The highest success at no larger a perceptual distance; None if the judge knows none."""
        forward = [point for point in self.points if point.strength > 0]
        if any("perceptual" not in point.figures for point in forward):
            return None
        return success_within(((p.figures["perceptual"].value, p.figures["success"].value) for p in forward), distance)

    @property
    def unet_evaluations(self) -> float:
        """Of one picture, there."""
        return self.nearest.unet_evaluations


class AttributeFigures(_Model):
    """Everything about one attribute.

    Attributes:
        pictures: how many lacked the attribute and are judged.
        limit: the figures of a perfect edit.
        unedited: the unedited pictures' distances between distributions and, if the judge can tell, their damage.
        left_out: why, for every competitor that was not measured.
    """

    name: str
    id: str
    target: str
    size_bytes: int
    pictures: int
    limit: dict[str, float]
    unedited: dict[str, float]
    curves: tuple[Curve, ...]
    left_out: dict[str, str] = {}

    @property
    def fair_distance(self) -> float | None:
        """How far from the unedited picture all competitors may go alike: as far as a perfect edit.

        Where nobody knows that, as far as the attribute itself does where its success is .95; None if there is none.
        """
        ours = self.curve("attribute")
        found = ours and ours.matched.figures.get("perceptual")
        return self.limit.get("perceptual", found.value if found else None)

    def curve(self, competitor: str) -> Curve | None:
        """A competitor's curve, if it was measured."""
        return next((curve for curve in self.curves if curve.competitor == competitor), None)


class Figures(_Model):
    """All that one evaluation measured, as ``figures.json`` keeps it.

    Attributes:
        protocol: how, the same for every attribute.
        attributes: one for each reference, in the order in which they were given.
    """

    format_version: Literal[1] = 1
    protocol: Protocol
    attributes: tuple[AttributeFigures, ...]
