"""Do edits work under every sampler? ``python -m attrbank.evaluation.samplers`` (half a minute each on two cores)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from attrbank.evaluation import oracle
from attrbank.evaluation.bench import Bench, stored
from attrbank.evaluation.metrics import Share, score
from attrbank.evaluation.starter import NEUTRAL
from attrbank.names import parse_seeds
from attrbank.plugin_manager import load_plugins
from attrbank.store.bank import Bank

NAMES = ("smile", "glasses", "young")


def success(bench: Bench, bank: Bank) -> dict[str, Share]:
    """Success of three attributes at strength 1, among the pictures that lacked them."""
    acts = {name: bench.act(stored(bank, name), 1.0) for name in NAMES}
    return {name: score(name, bench.before, bench.look(bench.edited([act]))).success for name, act in acts.items()}


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10031",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/samplers.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure every sampler that is registered, those of installed plugins included."""
    chosen, plugins = Bank.open(bank) if bank else Bank.starter(), load_plugins()
    backbone, judge = plugins.backbone("portraits"), oracle.load("judge")
    figures = {}
    typer.echo(f"| sampler | {' | '.join(NAMES)} |\n|---|---|---|---|")
    for spec, _ in plugins.registrations("sampler"):
        found = success(Bench(backbone, judge, NEUTRAL, parse_seeds(seeds), spec.name), chosen)
        figures[spec.name] = {name: share._asdict() for name, share in found.items()}
        typer.echo(f"| `{spec.name}` | {' | '.join(f'{s.value:.2f} of {s.total}' for s in found.values())} |")
    out.write_text(json.dumps({"seeds": seeds, "samplers": figures}, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
