"""Figures as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator

from attrbank.evaluation.numbers.curves import COLLATERAL
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures
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

_FIRST, _LAST = ("ATTRIBUTE", "COMPETITOR", "STRENGTH"), ("MONOTONE", "SMOOTH", "USABLE", "UNET", "SECONDS")


def columns(figures: Figures) -> tuple[str, ...]:
    """Of the terminal's table: every curve where its success is .95, or highest."""
    pictures, together = _known(figures)
    return (*_FIRST, *(OF_PICTURES[n] for n in pictures), *(OF_ALL_TOGETHER[n] for n in together), *_LAST)


def rows(figures: Figures) -> Iterator[tuple[str, ...]]:
    """One row for the limit and one a curve, of every attribute."""
    pictures, together = _known(figures)
    for attribute in figures.attributes:
        if attribute.limit:
            limit = ("" if name == "excess" else number(attribute.limit.get(name)) for name in pictures)
            yield (attribute.name, "limit", "", *limit, *[""] * (len(together) + len(_LAST)))
        for curve in attribute.curves:
            yield _curve_row(attribute, curve, pictures, together)


def _known(figures: Figures) -> tuple[list[str], list[str]]:
    """The names of the figures that have a column."""
    curves = [curve for attribute in figures.attributes for curve in attribute.curves]
    matched = ALWAYS.union(*(curve.matched.figures for curve in curves))
    measured = set[str]().union(*(point.distances for curve in curves for point in curve.points))
    return [name for name in OF_PICTURES if name in matched], [name for name in OF_ALL_TOGETHER if name in measured]


def _curve_row(attribute: AttributeFigures, curve: Curve, pictures: list[str], together: list[str]) -> tuple[str, ...]:
    found, distances = curve.matched.figures, curve.nearest.distances
    return (
        attribute.name,
        curve.competitor,
        f"{curve.matched.strength:.2f}",
        *(interval(found.get(name)) for name in pictures),
        *(f"{distances[name]:.3g}" if name in distances else "-" for name in together),
        f"{curve.monotonicity:.2f}",
        f"{curve.smoothness:.2f}",
        "-" if curve.usable is None else "{:g}-{:g}".format(*curve.usable),
        f"{curve.unet_evaluations:.0f}",
        f"{max(point.seconds for point in curve.points):.2f}",
    )


def number(value: float | None, digits: int = 2) -> str:
    """A figure in a cell, or a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(found: Estimate | None) -> str:
    """A figure with its interval in a cell, or a dash."""
    return "-" if found is None else str(found)
