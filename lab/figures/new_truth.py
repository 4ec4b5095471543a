"""What default ``learn`` and ``apply`` do on the models that are graded or unaligned.

``python -m lab.figures.new_truth --work DIR``, with ``--backbone avatars`` for the other one. Each attribute is of one
pair of prompts and the settings of ``attrbank learn``: those of ``portraits`` are the starter bank's, others are
learned here. They are measured beside the target prompt, the best prompt switch and a placebo. Learned attributes and
measured cells are kept in DIR, so that a stopped run goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
import typer
from rich.console import Console
from rich.progress import track
from torch import Tensor

from attrbank import files
from attrbank.evaluation.bench.setting import Setting, SettingRequest, set_up
from attrbank.evaluation.bench.subjects import RENDERED, Subject
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.evaluation.numbers.results import AttributeFigures, Point
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import parse_seeds
from attrbank.store.bank import Bank
from lab import markdown
from lab.starter_prompts import NEUTRAL, PAIRS


class Truth(NamedTuple):
    """A model whose judge knows, and what is learned on it.

    Attributes:
        prompt: of the pictures.
        pairs: source and target prompt of each attribute, which is called after a goal of the judge.
        graded: those of which the judge reads degrees, so that they can be seen to slide.
    """

    prompt: str
    pairs: Mapping[str, tuple[str, str]]
    graded: tuple[str, ...] = ()


def _of(subject: str, **endings: str) -> dict[str, tuple[str, str]]:
    """Pairs that add something to a prompt."""
    return {name.replace("_", "-"): (subject, f"{subject}{ending}") for name, ending in endings.items()}


PICTURE = "a picture of a person"
TRUTHS: Mapping[str, Truth] = {
    RENDERED: Truth(NEUTRAL, PAIRS, graded=("old", "smile", "beard", "long-hair")),
    "avatars": Truth(
        PICTURE,
        {
            **_of(PICTURE, glasses=" with glasses", sunglasses=" with sunglasses", hat=" with a hat"),
            **_of(PICTURE, beard=" with a beard", long_hair=" with long hair"),
            "bald": ("a picture of a person with hair", "a picture of a bald person"),
            "smile": ("a picture of a serious person", "a picture of a smiling person"),
            "sad": ("a picture of a smiling person", "a picture of a sad person"),
            "man": ("a picture of a woman", "a picture of a man"),
            "woman": ("a picture of a man", "a picture of a woman"),
        },
    ),
}
STEPS = 10
IN_ORDER = 0.95
"""The rank correlation of strength and effect from which on a picture counts as one that slides."""
SHOWN = {
    "attribute": "default learn",
    "target-prompt": "target prompt",
    "prompt-switch": "best prompt switch",
    "random-z": "placebo",
}


class Slide(NamedTuple):
    """How an attribute comes as its strength grows by tenths, in the pictures in which it has come at 1.

    Attributes:
        largest: the largest of the ten steps, as a share of the way, of the median picture; .1 at best.
        off: by how much the effect at strength s is off s times the effect at 1, as a share of the way, on average.
        in_order: the share of the pictures in which strength and effect have a rank correlation of ``IN_ORDER``.
    """

    largest: float
    off: float
    in_order: float


def slide_of(way: Tensor) -> Slide:
    """What the effects (strengths from 0 to 1, pictures) say; the last of each picture must differ from its first."""
    shares = (way - way[0]) / (way[-1] - way[0])
    strengths = torch.linspace(0, 1, len(way))[:, None]
    ranks = way.argsort(0).argsort(0).float()
    order = torch.corrcoef(torch.cat([torch.arange(float(len(way)))[None], ranks.T]))[0, 1:]
    return Slide(
        float(shares.diff(dim=0).amax(0).median()),
        float((shares - strengths).abs().mean()),
        float((order >= IN_ORDER).float().mean()),
    )


def learned(truth: Truth, backbone: str, seeds: str, bank: Path) -> None:
    """Learn what the bank lacks."""
    known = {entry.name for entry in Bank(bank).entries()} if bank.exists() else set()
    missing = [name for name in truth.pairs if name not in known]
    for name in track(missing, "learning", console=Console(stderr=True)):
        source, target = truth.pairs[name]
        spec = learn_spec(name, [source], [target], seeds=tuple(parse_seeds(seeds)))
        learn(spec, bank=bank, backbone=backbone, force=True)


def slides(request: SettingRequest, kept: Path) -> dict[str, Slide]:
    """How each attribute slides, by its name; nothing of one that comes in no picture. What is done is kept."""
    if not request.references:
        return {}
    setting, found = set_up(request), _slides_in(kept)
    before = setting.judge.look(setting.bench.images(setting.bench.unedited))
    for subject in track(setting.subjects, "ten steps", console=Console(stderr=True)):
        if subject.id not in found:
            found[subject.id] = _slide(setting, subject, before)
            files.replace(kept, json.dumps(found).encode())
    return {subject.label: Slide(*slide) for subject in setting.subjects if (slide := found[subject.id])}


def _slides_in(kept: Path) -> dict[str, Any]:
    return dict(json.loads(kept.read_text(encoding="utf-8"))) if kept.exists() else {}


def _slide(setting: Setting, subject: Subject, before: Any) -> Slide | None:
    rows = setting.judge.lacking(subject, before)
    bench, effect = setting.bench.only(rows), setting.judge.effect
    acts = [bench.act(subject.learned, n / STEPS) for n in range(1, STEPS + 1)]
    seen = [setting.judge.look(bench.images(bench.edited([act]))) for act in acts]
    way = torch.stack([effect(subject, before[rows]), *(effect(subject, after) for after in seen)])
    come = way[-1] > 0
    return slide_of(way[:, come]) if come.any() else None


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: success / damage / flips / identity error / diversity / FID of all, and how the attribute slides."""
    slide = ["largest of ten steps", "off", "in order"]
    return markdown.table(["", "images", *SHOWN.values(), *slide], _rows(figures))


def _rows(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    for stored in figures["attributes"]:
        found = AttributeFigures.model_validate(stored)
        cells = [_cell(found, name) for name in SHOWN]
        slide = figures["slides"].get(found.name, ())
        numbers = [f"{number:.2f}" for number in slide] or ["–"] * len(Slide._fields)
        yield [found.name, str(found.pictures), *cells, *numbers]


def _cell(found: AttributeFigures, competitor: str) -> str:
    curve = found.curve(competitor)
    point = curve and (curve.best if competitor == "prompt-switch" else curve.at(1.0))
    return _told(point) if point else "–"


def _told(point: Point) -> str:
    value = {name: estimate.value for name, estimate in point.figures.items()} | point.distances
    success = "{value:.2f} [{low:.2f}, {high:.2f}]".format(**point.figures["success"].model_dump())
    names = (("damage", 2), ("flips", 3), ("identity", 2), ("geometry", 2), ("diversity", 2), ("fid", 2))
    cells = [f"{value[name]:.{digits}f}" if name in value else "–" for name, digits in names]
    return " / ".join([success, *cells])


def main(
    work: Annotated[Path, typer.Option(help="Where the bank and the cells are kept.")],
    backbone: Annotated[str, typer.Option(help=f"The model: {' or '.join(TRUTHS)}.")] = "portraits",
    learn_seeds: Annotated[str, typer.Option(help="To learn from.")] = "0-31",
    seeds: Annotated[str, typer.Option(help="To judge on.")] = "40000-40011",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/new-truth.json"),
) -> None:
    """Learn, measure, write the figures as JSON and print them as a table."""
    truth, bank = TRUTHS[backbone], None if backbone == RENDERED else work / "bank"
    if bank:
        learned(truth, backbone, learn_seeds, bank)
    request = EvalRequest(
        references=tuple(truth.pairs),
        seeds=tuple(parse_seeds(seeds)),
        prompt=truth.prompt,
        against=tuple(name for name in SHOWN if name != "attribute"),
        strengths=(0.7, 1.0),
        quick=True,
        bank=bank,
        out=work / "cells",
    )
    found = evaluate(request)
    figures = {
        "seeds": seeds,
        "attributes": [one.model_dump(mode="json") for one in found.figures.attributes],
        "slides": slides(replace(request, references=truth.graded), work / "slides.json"),
    }
    files.replace(out, f"{json.dumps(figures, indent=1, ensure_ascii=False)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
