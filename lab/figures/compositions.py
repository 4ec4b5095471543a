"""Whether several attributes come together, by which rule: ``python -m lab.figures.compositions``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from attrbank import files
from attrbank.editing.composition import Act
from attrbank.evaluation.bench.together import composed
from attrbank.evaluation.judges.readings import GOALS, has_all
from attrbank.evaluation.numbers.estimates import share
from attrbank.evaluation.pairings import RULES
from attrbank.schema.measured import Rule
from attrbank.store.bank import Bank
from lab import markdown
from lab.figures.brief import brief, cell
from lab.figures.people import People, held_out
from lab.stored import stored

COMPOSITIONS = (
    (("young", "smile"), 0.7),
    (("smile", "glasses"), 1.0),
    (("man", "glasses", "hat"), 1.0),
    (("old", "man", "glasses", "beard"), 1.0),
    (("old", "man", "glasses", "beard", "hat"), 1.0),
)
SHOWN: Mapping[Rule, str] = {"sequence": "one after the other", "sum": "sum", "root": "sum / √n"}


def composition(people: People, names: tuple[str, ...], acts: Sequence[Act]) -> dict[str, Any]:
    """How attributes fare together in all pictures, those that have some already included, by every rule that fits.

    Args:
        people: the pictures.
        names: what the attributes promise, of ``GOALS``.
        acts: their edits, in any order.
    """
    ordered, values = sorted(acts, key=lambda act: act.index), [GOALS[name].value for name in names]
    rules = {}
    for rule in RULES if all(act.at_once is not None for act in acts) else RULES[:1]:
        after = people.look(composed(people.bench, ordered, rule))
        rules[rule] = brief(has_all(after, names), people.before, after, *values)
    seen = share(has_all(people.before, names).numpy())
    return {"names": names, "pictures": len(people), "before": seen.model_dump(), "rules": rules}


def table(figures: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: the share of pictures that show all, before and by each rule, there with flips / identity error."""
    columns = [title for rule, title in SHOWN.items() if any(rule in found["rules"] for found in figures)]
    return markdown.table(["", "n", "pictures", "before", *columns], _rows(figures, len(columns)))


def _rows(figures: Sequence[Mapping[str, Any]], columns: int) -> Iterator[list[str]]:
    for found in figures:
        label = f"{' + '.join(found['names'])} at {found['strength']:g}"
        cells = [cell(found["rules"][rule]) if rule in found["rules"] else "–" for rule in list(SHOWN)[:columns]]
        yield [label, str(len(found["names"])), str(found["pictures"]), markdown.interval(found["before"]), *cells]


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10031",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/compositions.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure the compositions, write the figures as JSON and print them as a table."""
    chosen, people, figures = Bank.open(bank) if bank else Bank.starter(), held_out(seeds), []
    for names, strength in track(COMPOSITIONS, "compositions", console=Console(stderr=True)):
        acts = [people.bench.act(stored(chosen, name), strength) for name in names]
        figures.append({"strength": strength, **composition(people, names, acts)})
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
