"""One HTML page with all figures, curves and pictures in it: no server, no network, no file beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrbank import files
from attrbank.evaluation.bench.cells import UNEDITED, Cell, CellStore
from attrbank.evaluation.numbers.results import AttributeFigures, Figures
from attrbank.evaluation.report import tables
from attrbank.evaluation.report.verdict import verdict, warning

TEMPLATE = Path(__file__).parent / "page.html.j2"
FIGURES, REPORT = "figures.json", "report.html"
MARKS = {"higher": "↑", "lower": "↓"}
"""Beside the name of a column, which way is better."""


def write(folder: Path, figures: Figures, store: CellStore) -> None:
    """Write ``figures.json`` and ``report.html``, each whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    files.replace(folder / FIGURES, (figures.model_dump_json(indent=1) + "\n").encode())
    files.replace(folder / REPORT, page(figures, store).encode())


def page(figures: Figures, store: CellStore) -> str:
    """The report; whatever comes from attributes and prompts is escaped."""
    import jinja2

    from attrbank.evaluation.report.plots import TOGETHER

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    rows = list(tables.rows(figures))
    return template.render(
        protocol=figures.protocol,
        columns=[(name, MARKS.get(tables.BETTER.get(name, ""), "")) for name in tables.columns(figures)[1:]],
        together=TOGETHER,
        sections=[_section(attribute, rows, store) for attribute in figures.attributes],
        ways=_ways(figures),
    )


def _section(attribute: AttributeFigures, rows: Sequence[tuple[str, ...]], store: CellStore) -> dict[str, Any]:
    from attrbank.evaluation.report.plots import curves_svg

    return {
        "figures": attribute,
        "verdict": verdict(attribute),
        "warning": warning(attribute.pictures),
        "rows": [row[1:] for row in rows if row[0] == attribute.name],
        "curves": curves_svg(attribute),
        "strips": _strips(attribute, store),
    }


def _ways(figures: Figures) -> list[tuple[str, list[float | None]]]:
    """Every competitor with its success at the distance of a perfect edit, for each attribute."""
    names = dict.fromkeys(curve.competitor for attribute in figures.attributes for curve in attribute.curves)
    return [(name, [_within(attribute, name) for attribute in figures.attributes]) for name in names]


def _within(attribute: AttributeFigures, name: str) -> float | None:
    curve, distance = attribute.curve(name), attribute.fair_distance
    return None if curve is None or distance is None else curve.within(distance)


def _strips(attribute: AttributeFigures, store: CellStore) -> list[tuple[str, list[Cell]]]:
    """The unedited pictures and every competitor's, from weak to strong."""
    before = store.sweep(attribute.id, UNEDITED)
    return [(curve.competitor, before + store.sweep(attribute.id, curve.competitor)) for curve in attribute.curves]
