"""An evaluation's figures as Markdown: ``python -m lab.figures.tables docs/figures.json``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from attrbank.evaluation.numbers.curves import COLLATERAL
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Point
from attrbank.evaluation.report.tables import interval, number
from lab import markdown
from lab.figures.verdict import missed

SHOWN = {
    "attribute": "attrbank",
    "target-prompt": "target prompt",
    "prompt-switch": "best prompt switch",
    "paper": "paper preset",
}
"""Competitors of the tables, and what they are called there."""

Cell: TypeAlias = Callable[[Curve], str]


def in_short(figures: Figures) -> str:
    """Markdown, for the first page: success / flips / identity error at strength 1, beside the target prompt's."""
    names = ("attribute", "target-prompt")
    columns = ["", "images", *(SHOWN[name] for name in names)]
    lines = [
        [attribute.name, str(attribute.pictures), *(_short_cell(attribute.curve(name)) for name in names)]
        for attribute in figures.attributes
    ]
    return markdown.table(columns, lines)


def distributions(figures: Figures) -> str:
    """Markdown: FID to perfectly edited renders, at strength 1 and of the best prompt switch; less is better."""
    columns = ["", "images", "not edited", *SHOWN.values()]
    return markdown.table(columns, (list(_fid_cells(attribute)) for attribute in figures.attributes))


def _fid_cells(attribute: AttributeFigures) -> Iterator[str]:
    yield from (attribute.name, str(attribute.pictures), number(attribute.unedited.get("fid")))
    for name in SHOWN:
        curve = attribute.curve(name)
        point = curve and (curve.best if name == "prompt-switch" else curve.at(1.0))
        yield number(point.distances.get("fid") if point else None)


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
    cells = dict.fromkeys(SHOWN, lambda curve: point_cell(curve.at(1.0)))
    cells["prompt-switch"] = lambda curve: f"{curve.best.strength:g} T: {point_cell(curve.best)}"
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


def _short_cell(curve: Curve | None) -> str:
    point = curve and curve.at(1.0)
    if not point:
        return "–"
    success, flips, identity = (point.figures[name].value for name in ("success", "flips", "identity"))
    return f"{success:.2f} / {flips:.3f} / {identity:.2f}"


def point_cell(point: Point | None) -> str:
    """Success [95 % interval] / flips / identity error / perceptual distance at one strength, or a dash."""
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
    """Print the tables of docs/results.md."""
    found = Figures.model_validate_json(figures.read_text(encoding="utf-8"))
    typer.echo("\n\n".join(table(found) for table in (at_strength_one, at_equal_success, distributions)))


if __name__ == "__main__":
    typer.run(main)
