"""Whether several attributes come together: ``python -m attrbank.evaluation.compositions``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from attrbank.evaluation.bench import Bench, stored
from attrbank.evaluation.estimates import share
from attrbank.evaluation.metrics import has_all
from attrbank.evaluation.oracle_judge import OracleJudge
from attrbank.evaluation.starter_prompts import NEUTRAL
from attrbank.evaluation.subjects import RENDERED
from attrbank.names import parse_seeds
from attrbank.plugin_manager import load_plugins
from attrbank.store.bank import Bank

COMPOSITIONS = ((("young", "smile"), 0.7), (("man", "glasses", "hat"), 1.0))


def composed(bench: Bench, bank: Bank, judge: OracleJudge, names: tuple[str, ...], strength: float) -> dict[str, Any]:
    """Share of all pictures in which every attribute is seen before and after, those that had some included."""
    acts = sorted((bench.act(stored(bank, name), strength) for name in names), key=lambda act: act.index)
    before, after = (judge.look(bench.images(latents)) for latents in (bench.unedited, bench.edited(acts)))
    shares = {
        when: share(has_all(seen, names).numpy()).model_dump() for when, seen in (("before", before), ("after", after))
    }
    return {"names": list(names), "strength": strength, "pictures": len(bench.seeds), **shares}


def table(figures: list[dict[str, Any]]) -> str:
    """Markdown: all of a composition seen, before and after."""
    lines = ["| | pictures | before | after |", "|---|---|---|---|"]
    for found in figures:
        name = f"{' + '.join(found['names'])} at {found['strength']:g}"
        cells = ["{value:.2f} [{low:.2f}, {high:.2f}]".format(**found[when]) for when in ("before", "after")]
        lines.append(f"| {name} | {found['pictures']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10127",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/compositions.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure the compositions, write the figures as JSON and print them as a table."""
    chosen = Bank.open(bank) if bank else Bank.starter()
    bench = Bench(load_plugins().backbone(RENDERED), NEUTRAL, parse_seeds(seeds))
    judge = OracleJudge("judge")
    figures = [composed(bench, chosen, judge, names, strength) for names, strength in COMPOSITIONS]
    out.write_text(json.dumps(figures, indent=1) + "\n")
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
