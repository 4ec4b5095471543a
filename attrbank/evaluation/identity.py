"""Where the identity error of the starter attributes lies: ``python -m attrbank.evaluation.identity`` (two minutes)."""

from __future__ import annotations

from typing import Annotated

import typer

from attrbank.artifact import LearnedAttribute
from attrbank.backbones.portraits.parameters import IDENTITY
from attrbank.evaluation.bench import Bench, stored
from attrbank.evaluation.metrics import CHANGED_BY, GOALS, Pictures, identity_spread
from attrbank.evaluation.oracle_judge import OracleJudge
from attrbank.evaluation.starter_prompts import NEUTRAL, SIDES
from attrbank.evaluation.subjects import RENDERED, Subject
from attrbank.names import parse_seeds
from attrbank.plugin_manager import load_plugins
from attrbank.store.bank import Bank

SHOWN = 3


def shares(bench: Bench, judge: OracleJudge, before: Pictures, attribute: LearnedAttribute) -> dict[str, float]:
    """Each parameter's share of the squared identity error at strength 1, the largest first.

    Args:
        bench: the pictures.
        judge: who looks.
        before: what it sees in them unedited.
        attribute: what is added to those that lack it.
    """
    name = attribute.record.name
    rows = judge.lacking(Subject(name, "", 0, attribute, "", name), before)
    lacking = bench.only(rows)
    after = judge.look(bench.images(lacking.edited([lacking.act(attribute, 1.0)])))
    change = (after.reading.identity - before[rows].reading.identity) / identity_spread()
    errors = dict(zip(IDENTITY, change.square().mean(0).tolist(), strict=True))
    kept = {key: error for key, error in errors.items() if key not in CHANGED_BY.get(GOALS[name].attribute, set())}
    return {key: error / sum(kept.values()) for key, error in sorted(kept.items(), key=lambda item: -item[1])}


def main(seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10063") -> None:
    """Print the parameters with the largest shares as a table."""
    bench, judge = Bench(load_plugins().backbone(RENDERED), NEUTRAL, parse_seeds(seeds)), OracleJudge("judge")
    bank, before = Bank.starter(), judge.look(bench.images(bench.unedited))
    for name in SIDES:
        found = shares(bench, judge, before, stored(bank, name))
        cells = [f"{key.replace('_', ' ')} {share:.2f}" for key, share in list(found.items())[:SHOWN]]
        typer.echo(f"| {name} | {', '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
