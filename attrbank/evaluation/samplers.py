"""Do edits work under every sampler? ``python -m attrbank.evaluation.samplers`` (half a minute each on two cores)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from attrbank.evaluation.bench import Bench, stored
from attrbank.evaluation.estimates import share
from attrbank.evaluation.metrics import has_all
from attrbank.evaluation.oracle_judge import OracleJudge
from attrbank.evaluation.starter_prompts import NEUTRAL
from attrbank.names import parse_seeds
from attrbank.plugin_manager import load_plugins
from attrbank.store.bank import Bank

NAMES = ("smile", "glasses", "young")


def success(bench: Bench, bank: Bank, judge: OracleJudge) -> dict[str, dict[str, float]]:
    """Success of three attributes at strength 1, among the pictures that lacked them, and how many these are."""
    before, found = judge.look(bench.images(bench.unedited)), {}
    for name in NAMES:
        part = bench.only(~has_all(before, (name,)))
        after = judge.look(part.images(part.edited([part.act(stored(bank, name), 1.0)])))
        found[name] = {**share(has_all(after, (name,)).numpy()).model_dump(), "total": len(after)}
    return found


def row(sampler: str, found: Mapping[str, Mapping[str, float]]) -> str:
    """A sampler's line of the table, for the README."""
    shown = [f"{share['value']:.2f} of {share['total']:.0f}" for share in found.values()]
    return f"| `{sampler}` | {' | '.join(shown)} |"


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10031",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/samplers.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure every sampler that is registered, those of installed plugins included."""
    chosen, plugins = Bank.open(bank) if bank else Bank.starter(), load_plugins()
    backbone, judge = plugins.backbone("portraits"), OracleJudge("judge")
    figures = {}
    typer.echo(f"| sampler | {' | '.join(NAMES)} |\n|---|---|---|---|")
    for spec, _ in plugins.registrations("sampler"):
        found = success(Bench(backbone, NEUTRAL, parse_seeds(seeds), sampler=spec.name), chosen, judge)
        figures[spec.name] = found
        typer.echo(row(spec.name, found))
    out.write_text(json.dumps({"seeds": seeds, "samplers": figures}, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
