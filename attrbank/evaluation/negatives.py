"""How far negative strengths lead to the opposite: ``python -m attrbank.evaluation.negatives`` (about two minutes)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from attrbank import files
from attrbank.artifact import LearnedAttribute
from attrbank.evaluation import markdown
from attrbank.evaluation.bench import Bench, stored
from attrbank.evaluation.brief import brief, cell
from attrbank.evaluation.metrics import GOALS, Pictures, has_all
from attrbank.evaluation.oracle_judge import OracleJudge
from attrbank.evaluation.split import require_split
from attrbank.evaluation.starter_prompts import NEUTRAL
from attrbank.evaluation.subjects import RENDERED
from attrbank.names import parse_seeds
from attrbank.plugin_manager import load_plugins
from attrbank.store.bank import Bank

STRENGTHS = (-0.5, -1.0, -1.5)


def opposite(name: str) -> str:
    """What is seen where the attribute is not: that with the opposite promise, else its absence."""
    attribute, present = GOALS[name]
    return next((other for other, goal in GOALS.items() if goal == (attribute, not present)), f"no {name}")


def taken_away(
    bench: Bench, judge: OracleJudge, before: Pictures, name: str, learned: LearnedAttribute
) -> dict[str, Any] | None:
    """What negative strengths do to the pictures that have the attribute; None if none has it.

    Args:
        bench: the pictures.
        judge: looks at them.
        before: what it sees in the unedited ones.
        name: what the attribute promises, of ``GOALS``.
        learned: the attribute.
    """
    having = has_all(before, (name,))
    if not having.any():
        return None
    part, seen = bench.only(having), before[having]
    points = []
    for strength in STRENGTHS:
        after = judge.look(part.images(part.edited([part.act(learned, strength)])))
        found = brief(~has_all(after, (name,)), seen, after, GOALS[name].attribute)
        points.append({"strength": strength, **found})
    return {"opposite": opposite(name), "pictures": len(seen), "points": points}


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: at each strength, the share in which the attribute is gone / flips / identity error."""
    columns = ["", "opposite", "images", *(f"at {strength:g}".replace("-", "−") for strength in STRENGTHS)]
    return markdown.table(columns, _rows(figures["attributes"]))


def _rows(attributes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, found in attributes.items():
        yield [name, found["opposite"], str(found["pictures"]), *map(cell, found["points"])]


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10063",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/negatives.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure every starter attribute at negative strengths, write the figures as JSON and print them as a table."""
    chosen, parsed = Bank.open(bank) if bank else Bank.starter(), parse_seeds(seeds)
    require_split("judge", parsed)
    bench, judge = Bench(load_plugins().backbone(RENDERED), NEUTRAL, parsed), OracleJudge("judge")
    before = judge.look(bench.images(bench.unedited))
    found = {
        name: taken_away(bench, judge, before, name, stored(chosen, name))
        for name in track(GOALS, "negative strengths", console=Console(stderr=True))
    }
    figures = {"seeds": seeds, "attributes": {name: measured for name, measured in found.items() if measured}}
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
