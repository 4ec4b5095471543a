"""Whether several attributes come together, by which rule: ``python -m attrbank.evaluation.compositions``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from attrbank import files
from attrbank.composition import Act
from attrbank.evaluation import markdown
from attrbank.evaluation.bench import Bench, stored
from attrbank.evaluation.brief import brief, cell
from attrbank.evaluation.estimates import share
from attrbank.evaluation.matrix import RULES
from attrbank.evaluation.metrics import GOALS, Pictures, has_all
from attrbank.evaluation.oracle_judge import OracleJudge
from attrbank.evaluation.split import require_split
from attrbank.evaluation.starter_prompts import NEUTRAL
from attrbank.evaluation.subjects import RENDERED
from attrbank.evaluation.together import composed
from attrbank.measurements import Rule
from attrbank.names import parse_seeds
from attrbank.plugin_manager import load_plugins
from attrbank.store.bank import Bank

COMPOSITIONS = (
    (("young", "smile"), 0.7),
    (("smile", "glasses"), 1.0),
    (("man", "glasses", "hat"), 1.0),
    (("old", "man", "glasses", "beard"), 1.0),
    (("old", "man", "glasses", "beard", "hat"), 1.0),
)
SHOWN: Mapping[Rule, str] = {"sequence": "one after the other", "sum": "sum", "root": "sum / √n"}


def composition(
    bench: Bench, judge: OracleJudge, before: Pictures, names: tuple[str, ...], acts: Sequence[Act]
) -> dict[str, Any]:
    """How attributes fare together in all pictures, those that have some already included.

    Args:
        bench: the pictures.
        judge: looks at them.
        before: what it sees in the unedited ones.
        names: what the attributes promise, of ``GOALS``.
        acts: their edits, in any order.
    """
    ordered, attributes = sorted(acts, key=lambda act: act.index), [GOALS[name].attribute for name in names]
    rules = {}
    for rule in RULES:
        after = judge.look(bench.images(composed(bench, ordered, rule)))
        rules[rule] = brief(has_all(after, names), before, after, *attributes)
    seen = share(has_all(before, names).numpy())
    return {"names": names, "pictures": len(before), "before": seen.model_dump(), "rules": rules}


def table(figures: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: the share of pictures that show all, before and by each rule, there with flips / identity error."""
    return markdown.table(["", "n", "pictures", "before", *SHOWN.values()], _rows(figures))


def _rows(figures: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    for found in figures:
        label = f"{' + '.join(found['names'])} at {found['strength']:g}"
        cells = [cell(found["rules"][rule]) for rule in SHOWN]
        yield [label, str(len(found["names"])), str(found["pictures"]), markdown.interval(found["before"]), *cells]


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10127",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/compositions.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure the compositions, write the figures as JSON and print them as a table."""
    chosen, parsed = Bank.open(bank) if bank else Bank.starter(), parse_seeds(seeds)
    require_split("judge", parsed)
    bench, judge = Bench(load_plugins().backbone(RENDERED), NEUTRAL, parsed), OracleJudge("judge")
    before, figures = judge.look(bench.images(bench.unedited)), []
    for names, strength in track(COMPOSITIONS, "compositions", console=Console(stderr=True)):
        acts = [bench.act(stored(chosen, name), strength) for name in names]
        figures.append({"strength": strength, **composition(bench, judge, before, names, acts)})
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
