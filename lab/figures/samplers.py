"""Do edits work under every sampler? ``python -m lab.figures.samplers``."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from attrbank import files
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.split import require_split
from attrbank.evaluation.bench.subjects import RENDERED
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.judges.readings import has_all
from attrbank.evaluation.numbers.estimates import share
from attrbank.names import parse_seeds
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from lab import markdown
from lab.starter_prompts import NEUTRAL
from lab.stored import stored

NAMES = ("smile", "glasses", "young")


def success(bench: Bench, bank: Bank, judge: OracleJudge) -> dict[str, dict[str, float]]:
    """Success of three attributes at strength 1, among the pictures that lacked them, and how many these are."""
    before, found = judge.look(bench.images(bench.unedited)), {}
    for name in NAMES:
        part = bench.only(~has_all(before, (name,)))
        after = judge.look(part.images(part.edited([part.act(stored(bank, name), 1.0)])))
        found[name] = {**share(has_all(after, (name,)).numpy()).model_dump(), "total": len(after)}
    return found


def table(figures: Mapping[str, Any], only: Collection[str] | None = None) -> str:
    """Markdown: by sampler, the success and of how many pictures.

    Args:
        figures: what was measured.
        only: the samplers to show; None shows all.
    """
    rows = [
        [f"`{sampler}`", *(f"{found[name]['value']:.2f} of {found[name]['total']}" for name in NAMES)]
        for sampler, found in figures["samplers"].items()
        if only is None or sampler in only
    ]
    return markdown.table(["sampler", *NAMES], rows)


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10007",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/samplers.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure every sampler that is registered, those of installed plugins included."""
    chosen, plugins, parsed = Bank.open(bank) if bank else Bank.starter(), load_plugins(), parse_seeds(seeds)
    require_split("judge", parsed)
    backbone, judge, specs = plugins.backbone(RENDERED), OracleJudge("judge"), plugins.registrations("sampler")
    found = {
        spec.name: success(Bench(backbone, NEUTRAL, parsed, sampler=spec.name), chosen, judge)
        for spec, _ in track(list(specs), "samplers", console=Console(stderr=True))
    }
    figures = {"seeds": seeds, "samplers": found}
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
