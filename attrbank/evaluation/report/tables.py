"""Figures as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator

from attrbank.evaluation.numbers.curves import COLLATERAL
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Learning
from attrbank.schema.measured import Estimate

OF_PICTURES = {
    "success": "SUCCESS",
    "damage": "DAMAGE",
    "flips": "FLIPS",
    "identity": "IDENTITY",
    "perceptual": "DISTANCE",
    "excess": "EXCESS",
}
OF_ALL_TOGETHER = {"fid": "FID", "kid": "KID", "diversity": "DIVERSITY"}
"""Figures that have a column each, and what it is called."""

ALWAYS = frozenset({"success", *COLLATERAL, "excess"})
"""Those that have a column even where nobody can tell; the others' is then left out."""

_FIRST, _WITHIN, _LEARNED = ("ATTRIBUTE", "COMPETITOR", "STRENGTH"), "WITHIN", "LEARNED"
_LAST = ("MONOTONE", "SMOOTH", "USABLE", "EVALUATIONS", "SECONDS")

BETTER = {
    **dict.fromkeys(("SUCCESS", _WITHIN, "MONOTONE", "SMOOTH"), "higher"),
    **dict.fromkeys(("DAMAGE", "FLIPS", "IDENTITY", "DISTANCE", "EXCESS", "FID", "KID"), "lower"),
    **dict.fromkeys(("EVALUATIONS", "SECONDS", _LEARNED), "lower"),
}
"""Of columns which way is better, where one is."""


def columns(figures: Figures) -> tuple[str, ...]:
    """Of the terminal's table: every curve where its success is .95, or highest.

    *Within* is the success at the distance of a perfect edit, *learned* what learning took: evaluations of the
    network, seconds, and the artifact's kilobytes.
    """
    pictures, together = _known(figures)
    within, learned = _has_within(figures), _has_learned(figures)
    names = (*(OF_PICTURES[name] for name in pictures), *[_WITHIN] * within, *(OF_ALL_TOGETHER[n] for n in together))
    return (*_FIRST, *names, *_LAST, *[_LEARNED] * learned)


def rows(figures: Figures) -> Iterator[tuple[str, ...]]:
    """One row for the limit and one a curve, of every attribute."""
    pictures, together = _known(figures)
    blank = _has_within(figures) + len(together) + len(_LAST) + _has_learned(figures)
    for attribute in figures.attributes:
        if attribute.limit:
            limit = ("" if name == "excess" else number(attribute.limit.get(name)) for name in pictures)
            yield (attribute.name, "limit", "", *limit, *[""] * blank)
        for curve in attribute.curves:
            within = [_within(attribute, curve)] * _has_within(figures)
            learned = [_learned(curve.learning)] * _has_learned(figures)
            yield (*_curve_row(attribute, curve, pictures), *within, *_rest(curve, together), *learned)


def _known(figures: Figures) -> tuple[list[str], list[str]]:
    """The names of the figures that have a column."""
    curves = [curve for attribute in figures.attributes for curve in attribute.curves]
    matched = ALWAYS.union(*(curve.matched.figures for curve in curves))
    measured = set[str]().union(*(point.distances for curve in curves for point in curve.points))
    return [name for name in OF_PICTURES if name in matched], [name for name in OF_ALL_TOGETHER if name in measured]


def _has_within(figures: Figures) -> bool:
    return any(attribute.fair_distance is not None for attribute in figures.attributes)


def _has_learned(figures: Figures) -> bool:
    return any(curve.learning for attribute in figures.attributes for curve in attribute.curves)


def _curve_row(attribute: AttributeFigures, curve: Curve, pictures: list[str]) -> tuple[str, ...]:
    told = (_matched(curve, name) for name in pictures)
    return (attribute.name, curve.competitor, f"{curve.matched.strength:.2f}", *told)


def _matched(curve: Curve, name: str) -> str:
    """A figure where success is .95; without an interval where straight lines between two strengths have made it."""
    found, point = curve.matched.figures.get(name), curve.matched_point
    if found is None:
        return "-"
    return number(found.value) if point is None else interval(point.figures.get(name, found))


def _within(attribute: AttributeFigures, curve: Curve) -> str:
    distance = attribute.fair_distance
    return number(None if distance is None else curve.within(distance))


def _rest(curve: Curve, together: list[str]) -> tuple[str, ...]:
    distances = curve.nearest.distances
    return (
        *(f"{distances[name]:.3g}" if name in distances else "-" for name in together),
        f"{curve.monotonicity:.2f}",
        f"{curve.smoothness:.2f}",
        "-" if curve.usable is None else "{:g}-{:g}".format(*curve.usable),
        f"{curve.unet_evaluations:.0f}",
        f"{max(point.seconds for point in curve.points):.2f}",
    )


def _learned(learning: Learning | None) -> str:
    if learning is None:
        return "-"
    return f"{learning.evaluations} / {learning.seconds:.0f} s / {learning.size_bytes / 1000:.1f} KB"


def number(value: float | None, digits: int = 2) -> str:
    """A figure in a cell, or a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(found: Estimate | None) -> str:
    """A figure with its interval in a cell, or a dash."""
    return "-" if found is None else str(found)
