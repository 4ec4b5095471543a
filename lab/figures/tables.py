"""An evaluation's figures as Markdown: ``python -m lab.figures.tables docs/figures.json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from attrbank.evaluation.numbers.curves import COLLATERAL
from attrbank.evaluation.numbers.results import Curve, Figures, Point
from attrbank.evaluation.report import markdown
from attrbank.evaluation.report.tables import interval, number
from lab.figures.verdict import missed

SHOWN = {
    "attribute": "attrbank",
    "target-prompt": "target prompt",
    "prompt-switch": "best prompt switch",
    "paper": "paper preset",
}
"""Competitors of the README's tables, and what they are called there."""

Cell: TypeAlias = Callable[[Curve], str]


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
    return f"{interval(point.figures['success'])} / {_collateral(values)}"


def _collateral(values: Mapping[str, float]) -> str:
    flips, identity, perceptual = (
        number(values.get(name), digits) for name, digits in zip(COLLATERAL, (3, 2, 3), strict=True)
    )
    return f"{flips} / {identity} / {perceptual}"


def main(figures: Annotated[Path, typer.Argument(help="A figures.json.")] = Path("docs/figures.json")) -> None:
    """Print the README's tables."""
    found = Figures.model_validate_json(figures.read_text(encoding="utf-8"))
    typer.echo(f"{at_equal_success(found)}\n\n{at_strength_one(found)}")


if __name__ == "__main__":
    typer.run(main)
