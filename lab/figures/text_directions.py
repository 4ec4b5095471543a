"""What text directions do on a graded model: ``python -m lab.figures.text_directions --work DIR``.

Each attribute is learned by both learners from one pair of prompts, the mean's with the attribute before the noun where
the model has such a word, then looked at beside the target prompt and a prompt switch. The judge's eyes look at tuning
seeds, so that these figures are for notes and not for results. What was learned is kept in DIR.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.progress import track
from torch import Tensor

from attrbank import files
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.setting import Setting, SettingRequest, set_up
from attrbank.evaluation.bench.subjects import Subject
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import parse_seeds
from attrbank.pictures.sheet import draw_grid
from attrbank.store.bank import Bank
from lab import markdown
from lab.figures.new_truth import slides

PERSON = "a photo of a person"
Pair: TypeAlias = tuple[str, str]

PAIRS: Mapping[str, Mapping[str, Pair]] = {
    "smile": {
        "mean": ("a photo of a serious person", "a photo of a smiling person"),
        "distil": (PERSON, "a photo of a person, smiling"),
    },
    "old": {
        "mean": (PERSON, "a photo of an old person"),
        "distil": (PERSON, "a photo of an old person"),
    },
    "beard": {
        "mean": (PERSON, "a photo of a bearded person"),
        "distil": (PERSON, "a photo of a person, with a beard"),
    },
    "glasses": {
        "mean": (PERSON, "a photo of a person, with glasses"),
        "distil": (PERSON, "a photo of a person, with glasses"),
    },
}
STRENGTHS: Mapping[str, tuple[float, ...]] = {"mean": (1.0, 2.0, 3.0), "distil": (0.5, 1.0)}
SWITCH = 0.8
SHOWN = 4
"""Pictures of each attribute on the sheet."""

Found: TypeAlias = dict[str, dict[str, float]]
"""Figures by name, for every way to do it."""


def learned(backbone: str, bank: Path, attributes: Sequence[str]) -> list[str]:
    """Learn what the bank lacks, and name what it has; a mean that hears nothing is left out."""
    known = {entry.name for entry in Bank(bank).entries()} if bank.exists() else set()
    wanted = [(f"{name}-{core}", core, pair) for name in attributes for core, pair in PAIRS[name].items()]
    for name, core, (source, target) in track(wanted, "learning", console=Console(stderr=True)):
        if name in known:
            continue
        try:
            learn(learn_spec(name, [source], [target], method="text", core=core), bank=bank, backbone=backbone)
        except InvalidValueError as error:
            typer.echo(f"{name}: {error.message}", err=True)
        else:
            known.add(name)
    return [name for name, _, _ in wanted if name in known]


def looked_at(setting: Setting, sheet: Path) -> Iterator[tuple[str, Found]]:
    """Every attribute's figures, over the pictures that lack it; and a sheet of some of them."""
    before = setting.judge.look(setting.bench.images(setting.bench.unedited))
    for subject in track(setting.subjects, "looking", console=Console(stderr=True)):
        rows = setting.judge.lacking(subject, before)
        bench = setting.bench.only(rows)
        made = dict(_made(bench, subject))
        views = {name: setting.judge.look(images) for name, images in made.items()}
        found = {
            name: {
                figure: float(values.float().mean())
                for figure, values in setting.judge.figures(subject, before[rows], view).items()
            }
            for name, view in views.items()
        }
        stacks = [bench.images(bench.unedited)[:SHOWN], *(images[:SHOWN] for images in made.values())]
        draw_grid(["before", *made], stacks, gaps=(), labels=[f"{seed}" for seed in bench.seeds[:SHOWN]]).save(
            sheet / f"{subject.label}.png"
        )
        yield subject.label, {"pictures": {"count": float(rows.sum())}, **found}


def _made(bench: Bench, subject: Subject) -> Iterator[tuple[str, Tensor]]:
    """Pictures of every way to do it."""
    if subject.learned.record.core == "distil":
        yield "target prompt", bench.images(bench.switched(subject.target, 1.0))
        yield "prompt switch", bench.images(bench.switched(subject.target, SWITCH))
    for strength in STRENGTHS[str(subject.learned.record.core)]:
        yield f"{strength:g}", bench.images(bench.edited([bench.act(subject.learned, strength)]))


def table(found: Mapping[str, Found], steps: Mapping[str, float]) -> str:
    """Markdown: success / flips / identity error."""
    columns = ["", "target prompt", f"switch at {SWITCH:g}", "mean 1", "mean 2", "mean 3", "distil ½", "distil 1"]
    rows = []
    for name in dict.fromkeys(label.rpartition("-")[0] for label in found):
        mean, distil = found.get(f"{name}-mean", {}), found.get(f"{name}-distil", {})
        cells = [distil.get(way) for way in ("target prompt", "prompt switch")]
        cells += [mean.get(way) for way in ("1", "2", "3")] + [distil.get(way) for way in ("0.5", "1")]
        step = steps.get(f"{name}-distil")
        rows.append([name, *map(_told, cells), "–" if step is None else f"{step:.2f}"])
    return markdown.table([*columns, "largest of ten steps, distil"], rows)


def _told(figures: Mapping[str, float] | None) -> str:
    if figures is None:
        return "–"
    return f"{figures['success']:.2f} / {figures['flips']:.3f} / {figures['identity']:.2f}"


def main(
    work: Annotated[Path, typer.Option(help="Where the bank, the figures and the sheets are kept.")],
    backbone: Annotated[str, typer.Option(help="The model.")] = "portraits",
    attributes: Annotated[str, typer.Option(help="Which, with commas between.")] = ",".join(PAIRS),
    seeds: Annotated[str, typer.Option(help="To look at.")] = "1000-1015",
    few: Annotated[str, typer.Option(help="For the ten steps.")] = "1000-1007",
) -> None:
    """Learn, look, keep the figures as JSON and the pictures as sheets, and print a table."""
    names = learned(backbone, work / "bank", attributes.split(","))
    request = SettingRequest(
        references=tuple(names), seeds=tuple(parse_seeds(seeds)), prompt=PERSON, bank=work / "bank"
    )
    found = dict(looked_at(set_up(request), work))
    distilled = tuple(name for name in names if name.endswith("-distil"))
    slid = slides(replace(request, references=distilled, seeds=tuple(parse_seeds(few))), work / f"slides-{few}.json")
    steps = {name: slide.largest for name, slide in slid.items()}
    kept = json.dumps({"seeds": seeds, "found": found, "steps": steps}, indent=1)
    files.replace(work / "text-directions.json", f"{kept}\n".encode())
    typer.echo(table(found, steps))


if __name__ == "__main__":
    typer.run(main)
