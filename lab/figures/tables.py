"""An evaluation's figures as Markdown: ``python -m lab.figures.tables docs/figures.json``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

DIGITS = {"fid": 2, "kid": 3, "diversity": 2}
"""Figures of all pictures together, and how many digits are told."""

Cell: TypeAlias = Callable[[Curve], str]


def _measured(figures: Figures) -> dict[str, str]:
    """Those of ``SHOWN`` that were measured of any attribute."""
    return {
        name: title for name, title in SHOWN.items() if any(one.curve(name) is not None for one in figures.attributes)
    }


def in_short(figures: Figures) -> str:
    """Markdown, for the first page: success / flips / identity error at strength 1, beside the target prompt's.

    Damage follows success where the judge can tell, here and in the other tables.
    """
    names = ("attribute", "target-prompt")
    columns = ["", "images", *(SHOWN[name] for name in names)]
    lines = [
        [attribute.name, str(attribute.pictures), *(short_cell(_at_one(attribute.curve(name))) for name in names)]
        for attribute in figures.attributes
    ]
    return markdown.table(columns, lines)


def distributions(figures: Figures) -> str:
    """Markdown: FID / KID / diversity of all pictures together, as far as the judge can tell, at strength 1.

    The prompt switch is the best one. Of FID and KID, to perfectly edited renders, less is better; of diversity, 1 is.
    """
    shown = _measured(figures)
    columns = ["", "images", "not edited", *shown.values()]
    names = tuple(name for name in DIGITS if any(name in attribute.unedited for attribute in figures.attributes))
    return markdown.table(columns, (list(_distances(attribute, names, shown)) for attribute in figures.attributes))


def _distances(attribute: AttributeFigures, names: Sequence[str], shown: Iterable[str]) -> Iterator[str]:
    def cell(found: Mapping[str, float]) -> str:
        return " / ".join(number(found.get(name), DIGITS[name]) for name in names) if found else number(None)

    yield from (attribute.name, str(attribute.pictures), cell(attribute.unedited))
    for name in shown:
        curve = attribute.curve(name)
        point = curve and (curve.best if name == "prompt-switch" else curve.at(1.0))
        yield cell(point.distances if point else {})


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
    measured = _measured(figures)
    columns = ["", "images", *measured.values(), "limit", *(["misses"] if misses else [])]
    lines = []
    for attribute in figures.attributes:
        curves = [(attribute.curve(name), cells[name]) for name in measured]
        shown = ["–" if curve is None else cell(curve) for curve, cell in curves]
        last = [misses[attribute.name]] if misses else []
        lines.append([attribute.name, str(attribute.pictures), *shown, _collateral(attribute.limit), *last])
    return markdown.table(columns, lines)


def _matched_cell(curve: Curve) -> str:
    values = {name: estimate.value for name, estimate in curve.matched.figures.items()}
    reached = "" if curve.matched.reached else f"({values['success']:.2f}) "
    return reached + _collateral(values)


def _at_one(curve: Curve | None) -> Point | None:
    return None if curve is None else curve.at(1.0)


def short_cell(point: Point | None) -> str:
    """Success / damage, where the judge can tell / flips / identity error at one strength, or a dash."""
    if point is None:
        return "–"
    values = {name: estimate.value for name, estimate in point.figures.items()}
    return f"{values['success']:.2f} / {_damage(values)}{values['flips']:.3f} / {values['identity']:.2f}"


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
    return f"{_damage(values)}{flips} / {identity} / {perceptual}"


def _damage(values: Mapping[str, float]) -> str:
    return f"{values['damage']:.2f} / " if "damage" in values else ""


def main(figures: Annotated[Path, typer.Argument(help="A figures.json.")] = Path("docs/figures.json")) -> None:
    """Print the tables of docs/results.md."""
    found = Figures.model_validate_json(figures.read_text(encoding="utf-8"))
    typer.echo("\n\n".join(table(found) for table in (at_strength_one, at_equal_success, distributions)))


if __name__ == "__main__":
    typer.run(main)
