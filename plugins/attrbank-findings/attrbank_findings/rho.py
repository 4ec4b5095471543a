"""Figure 7: the same people over strengths, once with the paper's graft and once with the attribute as it is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

from torch import Tensor

from attrbank.plugin import OnProgress, Subject, draw_grid
from attrbank_findings.finding import Figures, Inspection, Model, png
from attrbank_findings.graft import Graft
from attrbank_findings.scene import Scene
from attrbank_findings.unedited import Readings, Unedited, told

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
COLUMNS = ("VECTORS", "STRENGTH", "SUCCESS", "EFFECT", "FLIPS", "DISTANCE", "CHANGE")
SHOWN = ("success", "effect", "flips", "perceptual", "change")
PEOPLE = 3


class Point(Model):
    """One strength.

    Attributes:
        vectors: "graft", the paper's with its objective's exact minimiser, or "stored", the attribute's own.
        strength: ρ of the graft.
        readings: what it did to the pictures.
    """

    vectors: Literal["graft", "stored"]
    strength: float
    readings: Readings


class RhoFigures(Figures):
    """Of one attribute.

    Attributes:
        stored: the kind of vectors that the attribute has.
        pictures: how many lacked it.
        points: every strength of both.
    """

    attribute: str
    target: str
    stored: str
    pictures: int
    points: tuple[Point, ...]


def inspect(scene: Scene, subject: Subject, strengths: Sequence[float], on_progress: OnProgress) -> Inspection:
    """Edit with every strength in both ways; the graft only with those in [0, 1].

    Raises:
        InvalidValueError: every picture has the attribute.
    """
    unedited = Unedited.of(scene).lacking(subject)
    points, stacks = list[Point](), [unedited.images[:PEOPLE]]
    for point, images in _points(unedited, subject, strengths):
        points.append(point)
        stacks.append(images[:PEOPLE])
        on_progress("editing", len(points), 2 * len(strengths))
    figures = RhoFigures(
        setting=scene.setting,
        attribute=subject.label,
        target=subject.target,
        stored=subject.learned.record.vectors,
        pictures=len(unedited.images),
        points=tuple(points),
    )
    return Inspection(figures, COLUMNS, list(map(_row, points)), partial(_pictures, figures, stacks))


def _points(unedited: Unedited, subject: Subject, strengths: Sequence[float]) -> Iterator[tuple[Point, Tensor]]:
    bench, graft = unedited.bench, Graft(unedited.bench, subject.target)
    for rho in (strength for strength in strengths if 0 <= strength <= 1):
        images = graft.images(graft.latents(rho))
        yield Point(vectors="graft", strength=rho, readings=unedited.judged(subject, images)), images
    for strength in strengths:
        images = bench.images(bench.edited([bench.act(subject.learned, strength)]))
        yield Point(vectors="stored", strength=strength, readings=unedited.judged(subject, images)), images


def _row(point: Point) -> tuple[str, ...]:
    return point.vectors, f"{point.strength:g}", *told(point.readings, SHOWN)


def _pictures(figures: RhoFigures, stacks: Sequence[Tensor]) -> dict[str, bytes]:
    """The first people: unedited, then over strengths with each kind of vectors."""
    grafted = sum(point.vectors == "graft" for point in figures.points)
    names = {"graft": "rho", "stored": figures.attribute}
    captions = [f"{names[point.vectors]} {point.strength:g}" for point in figures.points]
    return {f"rho-{figures.attribute}": png(draw_grid(["before", *captions], stacks, gaps={1, 1 + grafted}))}
