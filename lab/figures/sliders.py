"""Draws attributes at five strengths each: ``python -m lab.figures.sliders --out FILE``.

With ``--backbone avatars``, ``--bank`` names the bank that ``lab.figures.new_truth`` has filled (``WORK/bank``). Each
person is one that lacks the attribute.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import track
from torch import Tensor

from attrbank.evaluation.bench.setting import Setting, SettingRequest, set_up
from attrbank.evaluation.bench.subjects import Subject
from attrbank.names import parse_seeds
from attrbank.pictures.sheet import draw_grid
from lab.figures.new_truth import TRUTHS

NAMES = {
    "portraits": ("old", "smile", "beard", "long-hair"),
    "avatars": ("smile", "beard", "long-hair", "glasses"),
}
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
PEOPLE = 2


def rows_of(setting: Setting, subject: Subject) -> Tensor:
    """The first people who lack the attribute, at each strength, (PEOPLE · strengths, 3, h, w); fewer are repeated."""
    bench = setting.bench
    lacking = setting.judge.lacking(subject, setting.judge.look(bench.images(bench.unedited)))
    chosen = torch.zeros_like(lacking)
    chosen[lacking.nonzero().flatten()[:PEOPLE]] = True
    few = bench.only(chosen if chosen.any() else torch.ones_like(lacking))
    at = [few.images(few.edited([few.act(subject.learned, strength)])) for strength in STRENGTHS]
    people = torch.stack(at, dim=1)  # (people, strengths, 3, h, w)
    return torch.cat([people[number % len(people)] for number in range(PEOPLE)])


def main(
    out: Annotated[Path, typer.Option(help="The PNG to write.")],
    bank: Annotated[Path | None, typer.Option(help="Where the attributes are; the starter bank if not given.")] = None,
    backbone: Annotated[str, typer.Option(help=f"The model: {' or '.join(TRUTHS)}.")] = "portraits",
    seeds: Annotated[str, typer.Option(help="Of the people who may be shown.")] = "40000-40007",
) -> None:
    """Two people who lack it, at five strengths, for each of four attributes."""
    names = NAMES[backbone]
    request = SettingRequest(
        references=names, seeds=tuple(parse_seeds(seeds)), prompt=TRUTHS[backbone].prompt, bank=bank
    )
    setting = set_up(request)
    drawn = [rows_of(setting, subject) for subject in track(setting.subjects, "drawing", console=Console(stderr=True))]
    columns = [f"{strength:g}" for _ in range(PEOPLE) for strength in STRENGTHS]
    gaps = set(range(len(STRENGTHS), len(columns), len(STRENGTHS)))
    draw_grid(columns, list(torch.stack(drawn, dim=1)), gaps=gaps, labels=names).save(out)
    typer.echo(out)


if __name__ == "__main__":
    typer.run(main)
