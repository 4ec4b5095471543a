"""Where the identity error of the starter attributes lies: ``python -m lab.figures.identity`` (two minutes)."""

from __future__ import annotations

from typing import Annotated

import typer

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.judges.readings import GOALS, has_all, identity_changes
from attrbank.store.bank import Bank
from lab.figures.people import People, held_out
from lab.starter_prompts import PAIRS
from lab.stored import stored

SHOWN = 3


def shares(people: People, attribute: LearnedAttribute) -> dict[str, float]:
    """Each part's share of the squared identity error at strength 1, the largest first.

    Args:
        people: the pictures; those that lack the attribute count.
        attribute: what is added to them.
    """
    name = attribute.record.name
    lacking = people.only(~has_all(people.before, (name,)))
    after = lacking.after([lacking.bench.act(attribute, 1.0)])
    changes = identity_changes(lacking.before, after, GOALS[name].value)
    errors = {part: float(squares.mean()) for part, squares in changes.items()}
    return {key: error / sum(errors.values()) for key, error in sorted(errors.items(), key=lambda item: -item[1])}


def main(seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10063") -> None:
    """Print the parts with the largest shares as a table."""
    bank, people = Bank.starter(), held_out(seeds)
    for name in PAIRS:
        found = shares(people, stored(bank, name))
        cells = [f"{key.replace('_', ' ')} {share:.2f}" for key, share in list(found.items())[:SHOWN]]
        typer.echo(f"| {name} | {', '.join(cells)} |")


if __name__ == "__main__":
    typer.run(main)
