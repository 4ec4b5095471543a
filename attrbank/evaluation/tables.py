"""Figures as rows for the terminal, and as Markdown for the README: ``python -m attrbank.evaluation.tables``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from attrbank.evaluation.results import AttributeFigures, Curve, Figures, Point
from attrbank.measurements import Estimate

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
HEAD = (
    "| | images | attrbank | target prompt | best prompt switch | paper preset | limit |\n|---|---|---|---|---|---|---|"
)


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
    """Markdown: flips / identity error / perceptual distance where the success is .95.

    A number in brackets is the highest success of a curve that never reaches .95, and the rest is told from there.
    """
    return _markdown(figures, _matched_cell, _matched_cell)


def at_strength_one(figures: Figures) -> str:
    """Markdown: success [95 % interval] / flips / identity error / perceptual distance at strength 1.

    The prompt switch is the one with the highest success.
    """
    return _markdown(
        figures,
        lambda curve: _point_cell(curve.at(1.0)),
        lambda curve: f"{curve.best.strength:g} T: {_point_cell(curve.best)}",
    )


def _markdown(figures: Figures, cell: Callable[[Curve], str], switch_cell: Callable[[Curve], str]) -> str:
    lines = [HEAD]
    for attribute in figures.attributes:
        shown = {"attribute": cell, "target-prompt": cell, "prompt-switch": switch_cell, "paper": cell}
        curves = [(attribute.curve(name), show) for name, show in shown.items()]
        cells = ["–" if curve is None else show(curve) for curve, show in curves]
        lines.append(
            f"| {attribute.name} | {attribute.pictures} | {' | '.join(cells)} | {_collateral(attribute.limit)} |"
        )
    return "\n".join(lines)


def _matched_cell(curve: Curve) -> str:
    values = {name: estimate.value for name, estimate in curve.matched.figures.items()}
    reached = "" if curve.matched.reached else f"({values['success']:.2f}) "
    return reached + _collateral(values)


def _point_cell(point: Point | None) -> str:
    if point is None:
        return "–"
    success = point.figures["success"]
    values = {name: estimate.value for name, estimate in point.figures.items()}
    return f"{success.value:.2f} [{success.low:.2f}, {success.high:.2f}] / {_collateral(values)}"


def _collateral(values: Mapping[str, float]) -> str:
    flips, identity, perceptual = (
        _number(values.get(name), digits) for name, digits in zip(COLLATERAL, (3, 2, 2), strict=True)
    )
    return f"{flips} / {identity} / {perceptual}"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _interval(found: Estimate | None) -> str:
    return "-" if found is None else f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def main(figures: Annotated[Path, typer.Argument(help="A figures.json.")] = Path("docs/figures.json")) -> None:
    """Print the README's tables."""
    found = Figures.model_validate_json(figures.read_text(encoding="utf-8"))
    typer.echo(f"{at_equal_success(found)}\n\n{at_strength_one(found)}")


if __name__ == "__main__":
    typer.run(main)
