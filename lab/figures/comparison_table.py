"""The comparison of methods as Markdown: a verdict, a table and what was left out, for each attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from attrbank.evaluation.bench.relearned import PREFIX
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Learning, Point
from attrbank.evaluation.report.tables import number
from attrbank.evaluation.report.verdict import verdict, warning
from attrbank.schema.measured import Estimate
from lab import markdown

CALLED = {
    "attribute": "**attrbank**",
    "target-prompt": "target prompt",
    "prompt-switch": "prompt switch",
    "paper": "AVI, as published",
}
"""What competitors are called; a method by its name, and others as they are."""
CORES = frozenset({"mean", "mlp", "conv", "own", "live", "path"})
DEFAULT = "avi"

COLUMNS = (
    "",
    "within ↑",
    "at 1: success ↑ / damage / flips / identity / distance ↓",
    "at .95: strength: damage / flips / identity / distance ↓",
    "largest step ↓",
    "an edit: evaluations / seconds ↓",
    "learned: seeds, evaluations / seconds ↓",
    "KB ↓",
    "lines ↓",
)
DIGITS = {"damage": 2, "flips": 3, "identity": 2, "perceptual": 3}


class Found(NamedTuple):
    """A comparison as it is kept.

    Attributes:
        lines: of each method's own code.
        slides: by attribute and competitor, the largest of ten steps.
        learned: what it took to learn an attribute of ours; None if that was not measured.
    """

    figures: Figures
    lines: Mapping[str, int]
    slides: Mapping[str, Mapping[str, float | None]]
    learned: Learning | None

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Found:
        """As JSON has it."""
        learned = kept.get("learned")
        figures = Figures.model_validate(kept["figures"])
        return cls(figures, kept["lines"], kept["slides"], Learning.model_validate(learned) if learned else None)


def table(kept: Mapping[str, Any]) -> str:
    """First every method beside every attribute, then each attribute by itself."""
    found = Found.of(kept)
    sections = (_section(found, attribute) for attribute in found.figures.attributes)
    return "\n\n".join([_overview(found.figures), *sections])


def _overview(figures: Figures) -> str:
    """Success at the distance of a perfect edit."""
    names = dict.fromkeys(curve.competitor for attribute in figures.attributes for curve in attribute.curves)
    columns = ["within ↑", *(f"{one.name}, {one.pictures} pictures" for one in figures.attributes)]
    rows = ([_called(name), *(_within(one, one.curve(name)) for one in figures.attributes)] for name in names)
    return markdown.table(columns, rows)


def _section(found: Found, attribute: AttributeFigures) -> str:
    rows = (_row(found, attribute, curve) for curve in attribute.curves)
    told = [f"**{attribute.name}.** {_plain(verdict(attribute))}", warning(attribute.pictures) or ""]
    left = "; ".join(f"*{_called(name)}* ({reason.rstrip('.')})" for name, reason in attribute.left_out.items())
    parts = [" ".join(filter(None, told)), markdown.table(COLUMNS, rows), f"Not measured: {left}." if left else ""]
    return "\n\n".join(filter(None, parts))


def _plain(text: str) -> str:
    return text.replace(PREFIX, "")


def _row(found: Found, attribute: AttributeFigures, curve: Curve) -> list[str]:
    name = curve.competitor
    learning = found.learned if name == "attribute" else curve.learning
    size = attribute.size_bytes if name == "attribute" else learning.size_bytes if learning else None
    largest = found.slides.get(attribute.name, {}).get(name)
    lines = found.lines.get(_method(name))
    return [
        _called(name),
        _within(attribute, curve),
        _at_one(curve),
        f"{curve.matched.strength:.2f}: {_matched(curve)}",
        number(largest),
        f"{curve.unet_evaluations:.0f} / {curve.nearest.seconds:.1f}",
        f"{learning.seeds}, {learning.evaluations} / {learning.seconds:.0f}" if learning else number(None),
        number(None) if size is None else f"{size / 1000:.1f}",
        number(None) if lines is None else str(lines),
    ]


def _called(name: str) -> str:
    if name in CORES:
        return f"attrbank's `{name}`"
    return CALLED.get(name, name.removeprefix(PREFIX))


def _method(name: str) -> str:
    """The registered method behind a competitor; a word that is none of baselines."""
    if name in CORES or name in {"attribute", "paper"}:
        return DEFAULT
    return name.removeprefix(PREFIX).partition("/")[0].partition(":")[0]


def _within(attribute: AttributeFigures, curve: Curve | None) -> str:
    distance = attribute.fair_distance
    return number(None if curve is None or distance is None else curve.within(distance))


def _at_one(curve: Curve) -> str:
    """At strength 1; a switch at its best."""
    point = curve.at(1.0)
    if point is None:
        return f"at {curve.best.strength:g}: {_told(curve.best)}"
    return _told(point)


def _told(point: Point) -> str:
    return f"{point.figures['success'].value:.2f} / {_collateral(point.figures)}"


def _matched(curve: Curve) -> str:
    """In brackets the highest success of what never gets to .95."""
    reached = "" if curve.matched.reached else f"({curve.best.figures['success'].value:.2f}) "
    return reached + _collateral(curve.matched.figures)


def _collateral(figures: Mapping[str, Estimate]) -> str:
    return " / ".join(_values(figures))


def _values(figures: Mapping[str, Estimate]) -> Iterator[str]:
    for name, digits in DIGITS.items():
        yield number(figures[name].value if name in figures else None, digits)
