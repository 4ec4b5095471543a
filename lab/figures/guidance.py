"""What guidance does beside the starter attributes: ``python -m lab.figures.guidance --work DIR`` (ten minutes).

It takes ``plugins/attrbank-guidance``. Each method learns from the pair of a starter attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from PIL.Image import Image

from attrbank import files
from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.evaluation.numbers.results import Figures
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.names import parse_seeds
from attrbank.pictures.sheet import draw_grid
from attrbank.plugins.manager import load_plugins
from lab import markdown
from lab.figures.tables import short_cell
from lab.starter_prompts import NEUTRAL, PAIRS

METHODS = ("free-slider", "sega", "ledits", "classifier")
ATTRIBUTES, STRENGTHS = ("young", "smile", "glasses"), (1.0, 2.0)
SEEDS = "30000-30015"
"""People who are judged."""

CALLED = {
    "target-prompt": "target prompt",
    "attribute": "attrbank, starter bank",
    **{f"method:{name}": name for name in METHODS},
}
"""Who is in the table, and what for."""

DRAWN = (("young", 1.0), ("smile", -1.0), ("smile", 1.0), ("glasses", 1.0))
"""Attributes and strengths on the sheet, for every method."""


def measured(attributes: tuple[str, ...], seeds: str, work: Path) -> Figures:
    """An evaluation at the two strengths; what is done is kept in a folder, so that a stopped run goes on."""
    request = EvalRequest(
        references=attributes,
        seeds=parse_seeds(seeds),
        against=("target-prompt",),
        methods=METHODS,
        strengths=STRENGTHS,
        out=work,
    )
    found = evaluate(request, on_progress=lambda name, done, total: typer.echo(f"{name} {done}/{total}", err=True))
    return found.figures


def table(figures: Figures) -> str:
    """Markdown: success / damage / flips / identity error of each way and strength, and what a picture costs."""
    people = (f"{attribute.name}, {attribute.pictures} pictures" for attribute in figures.attributes)
    return markdown.table(["", "strength", "evaluations", *people], _rows(figures))


def _rows(figures: Figures) -> Iterator[list[str]]:
    for name, title in CALLED.items():
        curves = [attribute.curve(name) for attribute in figures.attributes]
        for strength in STRENGTHS:
            points = [None if curve is None else curve.at(strength) for curve in curves]
            counts = sorted({round(point.unet_evaluations) for point in points if point})
            if counts:
                cost = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
                yield [title, f"{strength:g}", cost, *map(short_cell, points)]


def sheet(seeds: tuple[int, ...]) -> Image:
    """Some of the people, and what each method makes of them."""
    bench = Bench(load_plugins().backbone("portraits"), NEUTRAL, seeds)
    columns, stacks, gaps = ["plain"], [bench.images(bench.unedited)], set[int]()
    for method in METHODS:
        gaps.add(len(columns))
        attributes = {name: _learned(bench, method, name) for name, _ in DRAWN}
        for name, strength in DRAWN:
            columns.append(f"{method.removeprefix('free-')}: {name} {strength:g}")
            stacks.append(bench.images(bench.edited([bench.act(attributes[name], strength)])))
    return draw_grid(columns, stacks, gaps=gaps, labels=[str(seed) for seed in seeds])


def _learned(bench: Bench, method: str, name: str) -> LearnedAttribute:
    source, target = PAIRS[name]
    spec = complete(learn_spec(name, [source], [target], method=method), bench.backbone)
    return learn_attribute(spec, load_plugins().method(method), bench.backbone, load_plugins().sampler(spec.sampler))


def main(
    work: Annotated[Path, typer.Option(help="Keep what is half done here.")],
    attributes: Annotated[str, typer.Option(help="Of the starter bank, by commas.")] = ",".join(ATTRIBUTES),
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = SEEDS,
    shown: Annotated[int, typer.Option(help="How many of them are on the sheet.", min=1)] = 8,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/guidance.json"),
    picture: Annotated[Path, typer.Option(help="Where the sheet goes.")] = Path("plugins/attrbank-guidance/sheet.png"),
) -> None:
    """Measure, and draw a sheet."""
    found = measured(tuple(attributes.split(",")), seeds, work)
    files.replace(out, f"{found.model_dump_json()}\n".encode())
    sheet(parse_seeds(seeds)[:shown]).save(picture)


if __name__ == "__main__":
    typer.run(main)
