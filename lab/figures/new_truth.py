"""What default ``learn`` and ``apply`` do on a graded model: ``python -m lab.figures.new_truth --work DIR``.

Each attribute is learned from one pair of prompts with the settings of ``attrbank learn``, then measured beside the
target prompt and the best prompt switch. Learned attributes and measured cells are kept in DIR, so that a stopped run
goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track

from attrbank import files
from attrbank.evaluation.bench.setting import SettingRequest, set_up
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Point
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import parse_seeds
from attrbank.store.bank import Bank
from lab import markdown

PERSON = "a photo of a person"
PAIRS: Mapping[str, tuple[str, str]] = {
    "young": ("a photo of an old person", "a photo of a young person"),
    "old": ("a photo of a young person", "a photo of an old person"),
    "smile": (PERSON, "a photo of a person, smiling"),
    "sad": (PERSON, "a photo of a person, looking sad"),
    "man": ("a photo of a woman", "a photo of a man"),
    "woman": ("a photo of a man", "a photo of a woman"),
    "glasses": (PERSON, "a photo of a person, with glasses"),
    "hat": (PERSON, "a photo of a person, with a hat"),
    "beard": ("a photo of a man, without a beard", "a photo of a man, with a beard"),
}
STEPS = 10
SHOWN = {"attribute": "default learn", "target-prompt": "target prompt", "prompt-switch": "best prompt switch"}


def learned(backbone: str, seeds: str, bank: Path) -> None:
    """Learn what the bank lacks."""
    known = {entry.name for entry in Bank(bank).entries()} if bank.exists() else set()
    for name in track([name for name in PAIRS if name not in known], "learning", console=Console(stderr=True)):
        source, target = PAIRS[name]
        learn(learn_spec(name, [source], [target], seeds=tuple(parse_seeds(seeds))), bank=bank, backbone=backbone)


def largest_steps(request: SettingRequest) -> dict[str, float]:
    """The largest of ten steps as a share of the way of the mean degree, by attribute; gradual is .1.

    Of pictures in which the attribute has come at strength 1 alone; nothing where it comes in none.
    """
    setting, found = set_up(request), {}
    before = setting.judge.look(setting.bench.images(setting.bench.unedited))
    for subject in track(setting.subjects, "ten steps", console=Console(stderr=True)):
        rows = setting.judge.lacking(subject, before)
        bench, effect = setting.bench.only(rows), setting.judge.effect
        acts = [bench.act(subject.learned, n / STEPS) for n in range(1, STEPS + 1)]
        seen = [setting.judge.look(bench.images(bench.edited([act]))) for act in acts]
        way = torch.stack([effect(subject, before[rows]), *(effect(subject, after) for after in seen)])  # (11, B)
        come = way[-1] > 0
        if come.any():
            shares = way[:, come].diff(dim=0).amax(0) / (way[-1] - way[0])[come].clamp(min=1e-6)
            found[subject.label] = float(shares.median())
    return found


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: success / damage / flips / identity error / diversity, and the largest of ten steps."""
    columns = ["", "images", *SHOWN.values(), "largest of ten steps"]
    return markdown.table(columns, _rows(figures))


def _rows(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    for stored in figures["attributes"]:
        found = AttributeFigures.model_validate(stored)
        step = figures["steps"].get(found.name)
        cells = [_cell(found.curve(name)) for name in SHOWN]
        yield [found.name, str(found.pictures), *cells, "–" if step is None else f"{step:.2f}"]


def _cell(curve: Curve | None) -> str:
    point = curve and (curve.best if curve.competitor == "prompt-switch" else curve.at(1.0))
    return _told(point) if point else "–"


def _told(point: Point) -> str:
    value = {name: estimate.value for name, estimate in point.figures.items()} | point.distances
    names = (("success", 2), ("damage", 2), ("flips", 3), ("identity", 2), ("diversity", 2))
    return " / ".join(f"{value[name]:.{digits}f}" if name in value else "–" for name, digits in names)


def main(
    work: Annotated[Path, typer.Option(help="Where the bank and the cells are kept.")],
    backbone: Annotated[str, typer.Option(help="The model.")] = "portraits-2",
    learn_seeds: Annotated[str, typer.Option(help="To learn from.")] = "0-31",
    seeds: Annotated[str, typer.Option(help="To judge on.")] = "30000-30015",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/new-truth.json"),
) -> None:
    """Learn, measure, write the figures as JSON and print them as a table."""
    learned(backbone, learn_seeds, work / "bank")
    request = EvalRequest(
        references=tuple(PAIRS),
        seeds=tuple(parse_seeds(seeds)),
        prompt=PERSON,
        against=("target-prompt", "prompt-switch"),
        quick=True,
        bank=work / "bank",
        out=work / "cells",
    )
    found = evaluate(request)
    figures = {
        "seeds": seeds,
        "attributes": [one.model_dump(mode="json") for one in found.figures.attributes],
        "steps": largest_steps(request),
    }
    files.replace(out, f"{json.dumps(figures, indent=1, ensure_ascii=False)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
