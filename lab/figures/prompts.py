"""What edits by prompts alone do: ``python -m lab.figures.prompts --work DIR`` (ten minutes on two cores).

Interpolation, mixing and prompt-to-prompt of ``plugins/attrbank-prompt``, which must be installed, each from the pair
whose source is the pictures' own prompt, beside that pair's target prompt and the best switch to it. What is learned
and measured is kept in DIR, so that a stopped run goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from attrbank import files
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.evaluation.numbers.results import AttributeFigures, Figures, Point
from attrbank.evaluation.report.tables import number
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import parse_seeds
from attrbank.store.bank import Bank
from lab import markdown
from lab.starter_prompts import NEUTRAL, PAIRS

BASE = "prompt-interpolation"
"""The method of the attributes that the others are relearned from."""

SHOWN = {
    "target-prompt": "target prompt",
    "prompt-switch": "best prompt switch",
    "attribute": "interpolation",
    "method:prompt-mixing": "mixing at T/2",
    "method:prompt-to-prompt": "prompt-to-prompt",
}
STRENGTHS = (0.5, 1.0)
DIGITS = {"success": 2, "damage": 2, "flips": 3, "identity": 2, "perceptual": 3}
TARGETS: Mapping[str, str] = {
    "old": "a photo of an old person",
    "smile": PAIRS["smile"][1],
    "glasses": PAIRS["glasses"][1],
}


def learned(bank: Path) -> None:
    """Learn what the bank lacks."""
    known = {entry.name for entry in Bank(bank).entries()} if bank.exists() else set()
    for name in TARGETS.keys() - known:
        learn(learn_spec(name, [NEUTRAL], [TARGETS[name]], method=BASE), bank=bank)


def table(figures: Figures) -> str:
    """Markdown: success / damage / flips / identity error / perceptual distance at strength 1, and evaluations.

    The switch is the one with the highest success.
    """
    last = ["evaluations", "", *(f"{point.unet_evaluations:.0f}" for point in _points(figures.attributes[-1]))]
    return markdown.table(["", "images", *SHOWN.values()], [*map(_row, figures.attributes), last])


def _row(found: AttributeFigures) -> list[str]:
    return [found.name, str(found.pictures), *map(_cell, _points(found))]


def _points(found: AttributeFigures) -> Iterator[Point]:
    curves = {curve.competitor: curve for curve in found.curves}
    for name in SHOWN:
        at_one = curves[name].at(1.0)
        yield at_one if at_one and name != "prompt-switch" else curves[name].best


def _cell(point: Point) -> str:
    value = {name: estimate.value for name, estimate in point.figures.items()}
    return " / ".join(number(value.get(name), digits) for name, digits in DIGITS.items())


def main(
    work: Annotated[Path, typer.Option(help="Where the bank and the cells are kept.")],
    seeds: Annotated[str, typer.Option(help="To judge on.")] = "30000-30011",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/prompts.json"),
) -> None:
    """Learn, measure, write the figures as JSON and print them as a table."""
    bank = work / "bank"
    learned(bank)
    request = EvalRequest(
        references=tuple(TARGETS),
        seeds=tuple(parse_seeds(seeds)),
        prompt=NEUTRAL,
        against=("target-prompt", "prompt-switch"),
        methods=tuple(name.removeprefix("method:") for name in SHOWN if name.startswith("method:")),
        strengths=STRENGTHS,
        quick=True,
        bank=bank,
        out=work / "cells",
    )
    figures = evaluate(request).figures
    files.replace(out, f"{figures.model_dump_json(indent=1)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
