"""Draws the README's contact sheets: ``python -m lab.figures.sheet`` (about a minute on two cores)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attrbank.evaluation.bench.bench import Bench
from attrbank.names import parse_seeds
from attrbank.pictures.sheet import draw_grid
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from lab.starter_prompts import NEUTRAL
from lab.stored import stored

NAMES, STRENGTHS, SEEDS = ("young", "smile", "glasses", "hat", "woman"), (0.5, 1.0), "10000-10007"


def main(
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("docs/contact-sheet.png"),
    seeds: str = SEEDS,
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Eight people, five attributes, two strengths."""
    chosen = Bank.open(bank) if bank else Bank.starter()
    bench = Bench(load_plugins().backbone("portraits"), NEUTRAL, parse_seeds(seeds))
    columns, stacks, gaps = ["before"], [bench.images(bench.unedited)], set[int]()
    for name in NAMES:
        gaps.add(len(columns))
        for strength in STRENGTHS:
            columns.append(f"{name} {strength:g}")
            stacks.append(bench.images(bench.edited([bench.act(stored(chosen, name), strength)])))
    draw_grid(columns, stacks, gaps=gaps).save(out)
    typer.echo(out)


if __name__ == "__main__":
    typer.run(main)
