"""Every method that is installed, on the same people: ``python -m lab.figures.comparison --work DIR``.

Each learns the attributes of a model from the same pairs of prompts, with its defaults, and is judged at several
strengths, as ``attrbank eval`` does; then, on a few of the people, in ten even steps to where its success is .95.
What is done is kept in DIR, so that a stopped run goes on there, and DIR/cells/report.html is the report. On the
embedded model the attributes are the starter bank's; with ``--backbone avatars`` they are learned first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
import typer

from attrbank import files
from attrbank.evaluation.bench.competitor import Competitor
from attrbank.evaluation.bench.competitors import chosen
from attrbank.evaluation.bench.relearned import PREFIX, Relearned
from attrbank.evaluation.bench.setting import Setting, set_up
from attrbank.evaluation.bench.shelf import Shelf
from attrbank.evaluation.bench.subjects import RENDERED, Subject
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.evaluation.numbers.results import Figures
from attrbank.names import parse_seeds
from lab.core_lines import lines_of
from lab.figures.comparison_table import table
from lab.figures.new_truth import STEPS, TRUTHS, learned, slide_of
from lab.rooms import House

AGAINST = ("target-prompt", "prompt-switch", "mean", "conv", "live", "paper", "methods")
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {RENDERED: ("smile", "old", "glasses"), "avatars": ("smile", "hat")}
WALKERS = 4
"""How many people, of those who lack an attribute, go the way in ten steps."""


class Asked(NamedTuple):
    """A comparison.

    Attributes:
        request: the evaluation.
        work: the folder.
        report: told how far it is.
    """

    request: EvalRequest
    work: Path
    report: Callable[[str, int, int], None]


def compared(asked: Asked, *, steps: bool) -> Iterator[dict[str, Any]]:
    """The figures as JSON, more of them each time: what was judged, what ours took to learn, and the steps."""
    figures = evaluate(asked.request, on_progress=asked.report, on_warning=_say).figures
    lines = lines_of(House(Path(__file__).resolve().parents[2]))
    found = {"figures": figures.model_dump(mode="json"), "lines": lines, "slides": {}}
    yield found
    setting = set_up(asked.request)
    yield (found := found | {"learned": _learning_of_ours(asked, setting)})
    if steps:
        yield found | {"slides": _slides(asked, setting, figures)}


def _learning_of_ours(asked: Asked, setting: Setting) -> dict[str, Any]:
    """What it takes to learn the first attribute as it was learned; of the others it is as much."""
    subject, shelf = setting.subjects[0], _shelf(asked)
    ours = Relearned(f"{PREFIX}again", method=subject.learned.record.method, shelf=shelf)
    asked.report("learning anew", 0, 1)
    ours.prepare(setting.bench, subject)
    learning = ours.learning(subject)
    return {} if learning is None else learning.model_dump()


def _slides(asked: Asked, setting: Setting, figures: Figures) -> dict[str, dict[str, float | None]]:
    """The largest of ten even steps to the matched strength, by attribute and competitor; None of what never comes."""
    kept = asked.work / "steps.json"
    known: dict[str, float | None] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    ways = list(_ways(asked, setting, figures))
    for number, way in enumerate(ways):
        asked.report("ten steps", number, len(ways))
        if way.key not in known:
            known[way.key] = _largest(setting, way)
            files.replace(kept, json.dumps(known).encode())
    found: dict[str, dict[str, float | None]] = {}
    for way in ways:
        found.setdefault(way.subject.label, {})[way.competitor.name] = known[way.key]
    return found


class _Way(NamedTuple):
    """From the unedited picture to where success is .95."""

    subject: Subject
    competitor: Competitor
    strength: float

    @property
    def key(self) -> str:
        return f"{self.subject.id} {self.competitor.name} {self.strength:.4f}"


def _ways(asked: Asked, setting: Setting, figures: Figures) -> Iterator[_Way]:
    """Of every competitor whose strength can be chosen, on the attributes of which the judge reads degrees."""
    graded = TRUTHS[setting.bench.backbone.name].graded
    for attribute in figures.attributes:
        subject = next(one for one in setting.subjects if one.id == attribute.id)
        for competitor in _competitors(asked, setting, subject):
            curve = attribute.curve(competitor.name)
            if curve and len(curve.points) > 1 and attribute.name in graded and curve.best.figures["success"].value:
                yield _Way(subject, competitor, curve.matched.strength)


def _competitors(asked: Asked, setting: Setting, subject: Subject) -> Sequence[Competitor]:
    fitting = (one for one in chosen(asked.request.against, (), _shelf(asked)) if one.fits(subject))
    return [each for one in fitting for each in one.expanded(setting.bench, subject)]


def _shelf(asked: Asked) -> Shelf:
    return Shelf(asked.request.out)


def _largest(setting: Setting, way: _Way) -> float | None:
    before = setting.judge.look(setting.bench.images(setting.bench.unedited))
    lacking = setting.judge.lacking(way.subject, before)
    rows = lacking & (lacking.cumsum(0) <= WALKERS)
    bench, effect = setting.bench.only(rows), setting.judge.effect
    way.competitor.prepare(bench, way.subject)
    strengths = [way.strength * step / STEPS for step in range(1, STEPS + 1)]
    seen = (setting.judge.look(bench.images(way.competitor.latents(bench, way.subject, s))) for s in strengths)
    effects = torch.stack([effect(way.subject, before[rows]), *(effect(way.subject, after) for after in seen)])
    come = effects[-1] > 0
    return slide_of(effects[:, come]).largest if come.any() else None


def _say(line: str) -> None:
    typer.echo(line, err=True)


def main(
    work: Annotated[Path, typer.Option(help="Where all that is done is kept.")],
    backbone: Annotated[str, typer.Option(help=f"The model: {' or '.join(ATTRIBUTES)}.")] = RENDERED,
    attributes: Annotated[str | None, typer.Option(help="By commas; default a few of the model.")] = None,
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "30000-30011",
    steps: Annotated[bool, typer.Option(help="Also go ten steps, which takes as long again.")] = True,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/comparison.json"),
) -> None:
    """Learn, measure, write the figures as JSON and print them as tables."""
    names = tuple(attributes.split(",")) if attributes else ATTRIBUTES[backbone]
    truth, bank = TRUTHS[backbone], None if backbone == RENDERED else work / "bank"
    if bank:
        learned(truth._replace(pairs={name: truth.pairs[name] for name in names}), backbone, "0-31", bank)
    request = EvalRequest(
        references=names,
        seeds=parse_seeds(seeds),
        prompt=truth.prompt,
        against=AGAINST,
        quick=True,
        bank=bank,
        out=work / "cells",
    )
    asked = Asked(request, work, lambda stage, done, total: _say(f"{stage}: {done} of {total}"))
    for found in compared(asked, steps=steps):
        files.replace(out, f"{json.dumps(found, ensure_ascii=False)}\n".encode())
    typer.echo(table(json.loads(out.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    typer.run(main)
