"""One HTML page with all figures, curves and pictures in it: no server, no network, no file beside it."""

from __future__ import annotations

from pathlib import Path

from attrbank import files
from attrbank.evaluation.bench.cells import UNEDITED, Cell, CellStore
from attrbank.evaluation.numbers.results import AttributeFigures, Figures
from attrbank.evaluation.report import tables

TEMPLATE = Path(__file__).parent / "page.html.j2"
FIGURES, REPORT = "figures.json", "report.html"


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

    from attrbank.evaluation.report.plots import curves_svg

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    rows = list(tables.rows(figures))
    sections = [
        {
            "figures": attribute,
            "rows": [row[1:] for row in rows if row[0] == attribute.name],
            "curves": curves_svg(attribute),
            "strips": _strips(attribute, store),
        }
        for attribute in figures.attributes
    ]
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(protocol=figures.protocol, columns=tables.columns(figures)[1:], sections=sections)


def _strips(attribute: AttributeFigures, store: CellStore) -> list[tuple[str, list[Cell]]]:
    """The unedited pictures and every competitor's, from weak to strong."""
    before = store.sweep(attribute.id, UNEDITED)
    return [(curve.competitor, before + store.sweep(attribute.id, curve.competitor)) for curve in attribute.curves]
