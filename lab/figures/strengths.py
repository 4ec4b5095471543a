"""Whether a strength keeps what it promises: ``python -m lab.figures.strengths``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from attrbank import files
from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.judges.readings import effect, has_all
from attrbank.evaluation.numbers.estimates import share
from lab import markdown
from lab.figures.people import People, of_each

STRENGTHS = (0.3, 0.5, 0.7)


def promises(people: People, name: str, learned: LearnedAttribute) -> dict[str, Any] | None:
    """What strengths below 1 do to the pictures that lack the attribute; None if none does.

    ``success`` is the share in which it is seen, ``kept`` the share that have the strength's share, or more, of their
    own effect at strength 1.

    Args:
        people: the pictures.
        name: what the attribute promises, of ``GOALS``.
        learned: the attribute.
    """
    lacking = ~has_all(people.before, (name,))
    if not lacking.any():
        return None
    part = people.only(lacking)
    unedited = effect(name, part.before)
    full = effect(name, part.after([part.bench.act(learned, 1.0)])) - unedited
    points = []
    for strength in STRENGTHS:
        reached = effect(name, part.after([part.bench.act(learned, strength)]))
        kept, success = reached - unedited >= strength * full, reached > 0
        estimates = {"success": share(success.numpy()), "kept": share(kept.numpy())}
        points.append({"strength": strength} | {figure: found.model_dump() for figure, found in estimates.items()})
    return {"pictures": len(part), "points": points}


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: at each strength, the share in which the attribute is seen / that have their share of the effect."""
    return markdown.table(["", "images", *(f"at {strength:g}" for strength in STRENGTHS)], _rows(figures["attributes"]))


def _rows(attributes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, found in attributes.items():
        cells = [f"{markdown.interval(point['success'])} / {point['kept']['value']:.2f}" for point in found["points"]]
        yield [name, str(found["pictures"]), *cells]


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10031",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/strengths.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure every starter attribute at strengths below 1, write the figures as JSON and print them as a table."""
    figures = of_each(promises, seeds, bank, "strengths")
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
