"""Figures as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator

from attrbank.evaluation.numbers.curves import COLLATERAL
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures
from attrbank.schema.measured import Estimate

COLUMNS = (
    "ATTRIBUTE",
    "COMPETITOR",
    "STRENGTH",
    "SUCCESS",
    "FLIPS",
    "IDENTITY",
    "DISTANCE",
    "EXCESS",
    "MONOTONE",
    "SMOOTH",
    "USABLE",
    "UNET",
    "SECONDS",
)
"""Of the terminal's table: every curve where its success is .95, or highest."""


def rows(figures: Figures) -> Iterator[tuple[str, ...]]:
    """One row for the limit and one a curve, of every attribute."""
    for attribute in figures.attributes:
        if attribute.limit:
            yield _limit_row(attribute)
        for curve in attribute.curves:
            yield _curve_row(attribute, curve)


def _limit_row(attribute: AttributeFigures) -> tuple[str, ...]:
    known = [number(attribute.limit.get(name)) for name in ("success", *COLLATERAL)]
    return (attribute.name, "limit", "", *known, *[""] * 6)


def _curve_row(attribute: AttributeFigures, curve: Curve) -> tuple[str, ...]:
    found = curve.matched.figures
    return (
        attribute.name,
        curve.competitor,
        f"{curve.matched.strength:.2f}",
        *(interval(found.get(name)) for name in ("success", *COLLATERAL, "excess")),
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
