"""How far negative strengths lead to the opposite: ``python -m lab.figures.negatives``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from attrbank import files
from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.judges.readings import GOALS, has_all
from lab import markdown
from lab.figures.brief import brief, cell
from lab.figures.people import People, of_each

STRENGTHS = (-0.5, -1.0, -1.5)


def opposite(name: str) -> str:
    """What negative strengths lead to: the first goal that excludes the attribute, else its absence."""
    return next((other for other, goal in GOALS.items() if goal.excludes(GOALS[name])), f"no {name}")


def taken_away(people: People, name: str, learned: LearnedAttribute) -> dict[str, Any] | None:
    """What negative strengths do to the pictures that have the attribute; None if none has it.

    Args:
        people: the pictures.
        name: what the attribute promises, of ``GOALS``.
        learned: the attribute.
    """
    having = has_all(people.before, (name,))
    if not having.any():
        return None
    part, points = people.only(having), []
    for strength in STRENGTHS:
        after = part.after([part.bench.act(learned, strength)])
        found = brief(~has_all(after, (name,)), part.before, after, GOALS[name].value)
        points.append({"strength": strength, **found})
    return {"opposite": opposite(name), "pictures": len(part), "points": points}


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: at each strength, the share in which the attribute is gone / flips / identity error."""
    columns = ["", "opposite", "images", *(f"at {strength:g}".replace("-", "−") for strength in STRENGTHS)]
    return markdown.table(columns, _rows(figures["attributes"]))


def _rows(attributes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, found in attributes.items():
        yield [name, found["opposite"], str(found["pictures"]), *map(cell, found["points"])]


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10031",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/negatives.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure every starter attribute at negative strengths, write the figures as JSON and print them as a table."""
    figures = of_each(taken_away, seeds, bank, "negative strengths")
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
