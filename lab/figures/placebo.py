"""How much of the paper's edit comes from anything: ``python -m lab.figures.placebo``.

The paper's preset is learned from the source prompt twice, so that z is the source prompt's own and holds nothing of
any attribute. What comes all the same comes from the graft (docs/method.md 4).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from torch import Tensor

from attrbank import files
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.cells import CellStore
from attrbank.evaluation.bench.relearned import Relearned
from attrbank.evaluation.bench.runner import Runner, Series
from attrbank.evaluation.bench.setting import SettingRequest, set_up
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.numbers.results import AttributeFigures, Figures
from attrbank.names import parse_seeds
from lab import markdown
from lab.figures.tables import point_cell
from lab.starter_prompts import PAIRS

PAPER, OWN_Z = "paper", "own-z"


class PaperWithoutTarget(Relearned):
    """The paper's preset, learned as published, with the source prompt in the place of the target prompt."""

    def prepare(self, bench: Bench, subject: Subject) -> None:
        """Learn it, once for all subjects: there is nothing of theirs in it."""
        super().prepare(bench, replace(subject, id=OWN_Z, target=bench.prompt))

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """With the graft."""
        return super().latents(bench, replace(subject, id=OWN_Z), strength)


def measure(seeds: str, work: Path | None) -> Figures:
    """The preset and its placebo at strength 1 on the pictures that lack each starter attribute.

    Args:
        seeds: judging seeds, 10000 and above.
        work: where finished cells are kept, so that a stopped run goes on.
    """
    setting = set_up(SettingRequest(references=tuple(PAIRS), seeds=parse_seeds(seeds), out=work))
    store = CellStore(work, setting.protocol)
    say = functools.partial(typer.echo, err=True)
    runner = Runner(
        setting.bench, setting.judge, {}, store, lambda name, done, total: say(f"{name} {done}/{total}"), say
    )
    both = Relearned(PAPER, preset="paper"), PaperWithoutTarget(OWN_Z, preset="paper")
    series = [Series(competitor, (1.0,)) for competitor in both]
    found = runner.run([(subject, series) for subject in setting.subjects])
    return Figures(protocol=setting.protocol, attributes=found)


def table(figures: Figures) -> str:
    """Markdown: the paper's preset beside its placebo."""
    columns = ["", "images", "paper preset", "the same with the source prompt's own z"]
    return markdown.table(columns, _rows(figures))


def _rows(figures: Figures) -> Iterator[list[str]]:
    for found in figures.attributes:
        yield [found.name, str(found.pictures), *(_full(found, competitor) for competitor in (PAPER, OWN_Z))]


def _full(figures: AttributeFigures, competitor: str) -> str:
    curve = figures.curve(competitor)
    return point_cell(None if curve is None else curve.at(1.0))


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10015",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/placebo.json"),
    work: Annotated[Path | None, typer.Option(help="Keep what is half done here.")] = None,
) -> None:
    """Measure the placebo and write the figures as JSON."""
    files.replace(out, measure(seeds, work).model_dump_json().encode())


if __name__ == "__main__":
    typer.run(main)
