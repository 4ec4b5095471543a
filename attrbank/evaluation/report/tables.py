"""Figures as rows for the terminal, and as Markdown for the README: ``python -m attrbank.evaluation.report.tables``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from attrbank.evaluation.report.page import markdown
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Point
from attrbank.evaluation.verdict import missed
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

COLLATERAL = ("flips", "identity", "perceptual")
SHOWN = {
    "attribute": "attrbank",
    "target-prompt": "target prompt",
    "prompt-switch": "best prompt switch",
    "paper": "paper preset",
}
"""Competitors of the README's tables, and what they are called there."""

Cell: TypeAlias = Callable[[Curve], str]


def rows(figures: Figures) -> Iterator[tuple[str, ...]]:
    """One row for the limit and one a curve, of every attribute."""
    for attribute in figures.attributes:
        if attribute.limit:
            yield _limit_row(attribute)
        for curve in attribute.curves:
            yield _curve_row(attribute, curve)


def _limit_row(attribute: AttributeFigures) -> tuple[str, ...]:
    known = [_number(attribute.limit.get(name)) for name in ("success", *COLLATERAL)]
    return (attribute.name, "limit", "", *known, *[""] * 6)


def _curve_row(attribute: AttributeFigures, curve: Curve) -> tuple[str, ...]:
    found = curve.matched.figures
    return (
        attribute.name,
        curve.competitor,
        f"{curve.matched.strength:.2f}",
        *(_interval(found.get(name)) for name in ("success", *COLLATERAL, "excess")),
        f"{curve.monotonicity:.2f}",
        f"{curve.smoothness:.2f}",
        "-" if curve.usable is None else "{:g}-{:g}".format(*curve.usable),
        f"{curve.unet_evaluations:.0f}",
        f"{max(point.seconds for point in curve.points):.2f}",
    )


def at_equal_success(figures: Figures) -> str:
    """Markdown: flips / identity error / perceptual distance where the success is .95, and at which strength that is.

    A number in brackets is the highest success of a curve that never reaches .95, and the rest is told from there.
    """
    misses = {attribute.name: missed(attribute) for attribute in figures.attributes}
    cells = {
        "attribute": lambda curve: f"{curve.matched.strength:.2f}: {_matched_cell(curve)}",
        "target-prompt": _matched_cell,
        "prompt-switch": lambda curve: f"{curve.matched.strength:.2f} T: {_matched_cell(curve)}",
        "paper": _matched_cell,
    }
    return _markdown(figures, cells, misses)


def at_strength_one(figures: Figures) -> str:
    """Markdown: success [95 % interval] / flips / identity error / perceptual distance at strength 1.

    The prompt switch is the one with the highest success.
    """
    cells = dict.fromkeys(SHOWN, lambda curve: _point_cell(curve.at(1.0)))
    cells["prompt-switch"] = lambda curve: f"{curve.best.strength:g} T: {_point_cell(curve.best)}"
    return _markdown(figures, cells)


def _markdown(figures: Figures, cells: Mapping[str, Cell], misses: Mapping[str, str] | None = None) -> str:
    columns = ["", "images", *SHOWN.values(), "limit", *(["misses"] if misses else [])]
    lines = []
    for attribute in figures.attributes:
        curves = [(attribute.curve(name), cells[name]) for name in SHOWN]
        shown = ["–" if curve is None else cell(curve) for curve, cell in curves]
        last = [misses[attribute.name]] if misses else []
        lines.append([attribute.name, str(attribute.pictures), *shown, _collateral(attribute.limit), *last])
    return markdown.table(columns, lines)


def _matched_cell(curve: Curve) -> str:
    values = {name: estimate.value for name, estimate in curve.matched.figures.items()}
    reached = "" if curve.matched.reached else f"({values['success']:.2f}) "
    return reached + _collateral(values)


def _point_cell(point: Point | None) -> str:
    if point is None:
        return "–"
    values = {name: estimate.value for name, estimate in point.figures.items()}
    return f"{_interval(point.figures['success'])} / {_collateral(values)}"


def _collateral(values: Mapping[str, float]) -> str:
    flips, identity, perceptual = (
        _number(values.get(name), digits) for name, digits in zip(COLLATERAL, (3, 2, 3), strict=True)
    )
    return f"{flips} / {identity} / {perceptual}"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _interval(found: Estimate | None) -> str:
    return "-" if found is None else markdown.interval(found.model_dump())


def main(figures: Annotated[Path, typer.Argument(help="A figures.json.")] = Path("docs/figures.json")) -> None:
    """Print the README's tables."""
    found = Figures.model_validate_json(figures.read_text(encoding="utf-8"))
    typer.echo(f"{at_equal_success(found)}\n\n{at_strength_one(found)}")


if __name__ == "__main__":
    typer.run(main)
