"""What many attributes and pictures take, from unit costs: ``python -m lab.figures.scale`` prints a table.

The unit costs lie in ``docs/scale.json``; ``docs/scale.md`` says which command measured each. How long a row of the
network takes on a device, ``python -m lab.figures.footprint MODEL --device cuda`` tells: hand it over as ``--row``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

UNITS = Path(__file__).resolve().parents[2] / "docs" / "scale.json"
ATTRIBUTES, PICTURES = 10_000, 1_000_000
PEAK, SHARE = 989.0, 0.25
"""TFLOP/s that the data sheet of an H100 promises in bfloat16, and what share of it is assumed to be reached."""
PIXELS = 512 * 512


class Units(NamedTuple):
    """What one thing takes, as it was measured.

    Attributes:
        rows_learn, rows_learn_mean: of the network, for one attribute with the defaults, and with ``--core mean``.
        rows_picture, rows_picture_with_before: for one picture in 50 guided steps.
        shared_source: the share of rows that is left where attributes share their source.
        tflop_row: operations of a row of Stable Diffusion 1.5 at 64×64, in units of 10¹².
        bytes_artifact: of an attribute for such latents; of what lies beside it likewise.
        adds_a_second: that one bank takes.
        seconds_learn_cpu: processor time of one ``learn`` on ``portraits``.
        bytes_page: of a shared place's page, for an attribute with card and preview.
    """

    rows_learn: int
    rows_learn_mean: int
    rows_picture: int
    rows_picture_with_before: int
    shared_source: float
    tflop_row: float
    bytes_artifact: int
    bytes_card: int
    bytes_preview: int
    bytes_index: int
    bytes_sketch: int
    adds_a_second: float
    seconds_learn_cpu: float
    bytes_page: int


class Line(NamedTuple):
    """One thing that is to be done: its formula, and what comes of it, in rows of the network."""

    what: str
    formula: str
    rows: float


def lines(units: Units) -> Iterator[Line]:
    """All that takes a network."""
    shared = units.shared_source * units.rows_learn_mean
    many, pictures = f"{ATTRIBUTES:,}", f"{PICTURES:,}"
    yield Line(
        f"{many} attributes, as `learn` chooses", f"{many} × {units.rows_learn:,}", ATTRIBUTES * units.rows_learn
    )
    yield Line(
        f"{many} attributes, core `mean`, 24 from each source",
        f"{many} × {units.rows_learn_mean:,} × {units.shared_source}",
        ATTRIBUTES * shared,
    )
    yield Line(f"{pictures} pictures", f"{pictures} × {units.rows_picture}", PICTURES * units.rows_picture)
    yield Line(
        f"{pictures} pictures, each with the one before",
        f"{pictures} × {units.rows_picture_with_before}",
        PICTURES * units.rows_picture_with_before,
    )


def table(units: Units, row: float, gpus: Sequence[int]) -> str:
    """In Markdown; ``row`` is the seconds of one."""
    heads = ["", "rows = ", *(f"{n} GPU{'s' if n > 1 else ''}" for n in gpus)]
    body = [
        [line.what, f"{line.formula} = {line.rows:.2g}", *(spoken(line.rows * row / n) for n in gpus)]
        for line in lines(units)
    ]
    rows = [heads, ["---"] * len(heads), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def spoken(seconds: float) -> str:
    """In the largest unit of which there are two."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def beside(units: Units, row: float) -> Iterator[str]:
    """What takes no network."""
    each = units.bytes_artifact + units.bytes_card + units.bytes_preview + units.bytes_index
    writer = units.adds_a_second
    yield f"a bank of {ATTRIBUTES:,}: {ATTRIBUTES:,} × {each:,} bytes = {ATTRIBUTES * each / 1e9:.2f} GB"
    yield f"its sketches: {ATTRIBUTES:,} × {units.bytes_sketch:,} = {ATTRIBUTES * units.bytes_sketch / 1e6:.0f} MB"
    yield f"{PICTURES:,} pictures of 512×512: at most 3 bytes a pixel = {PICTURES * 3 * PIXELS / 1e12:.2f} TB"
    yield f"to add {ATTRIBUTES:,}: {ATTRIBUTES:,} / {writer:g} = {spoken(ATTRIBUTES / writer)}"
    yield f"one learn: {units.rows_learn:,} × {row * 1e3:.1f} ms = {spoken(units.rows_learn * row)}"
    yield f"GPUs that keep one writer busy: {writer:g} × that = {writer * units.rows_learn * row:.0f}"
    cores = writer * units.seconds_learn_cpu
    yield f"cores that do, with portraits: {writer:g} × {units.seconds_learn_cpu:g} s = {cores:,.0f}"
    yield f"attributes with card and preview in one place: 2²⁰ / {units.bytes_page} = {2**20 // units.bytes_page:,}"


def default_row(units: Units) -> float:
    """Seconds of a row, by the assumption above."""
    return units.tflop_row / (PEAK * SHARE)


def read_units() -> Units:
    """Those of ``docs/scale.json``."""
    return Units(**json.loads(UNITS.read_text(encoding="utf-8")))


def main(
    gpus: Annotated[list[int] | None, typer.Argument(help="How many; default 1, 8 and 64.")] = None,
    row: Annotated[float | None, typer.Option(help="Seconds of a row of the network.")] = None,
) -> None:
    """Print the table, and what takes no network."""
    units = read_units()
    seconds = default_row(units) if row is None else row
    typer.echo(table(units, seconds, gpus or [1, 8, 64]))
    typer.echo("\n" + "\n".join(f"- {line}" for line in beside(units, seconds)))


if __name__ == "__main__":
    typer.run(main)
