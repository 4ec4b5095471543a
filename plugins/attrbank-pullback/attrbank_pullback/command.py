"""``attrbank meaning``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attrbank.plugin import (
    BackboneOption,
    BankOption,
    JsonOption,
    Where,
    parse_seeds,
    progress_bar,
    spelled_out,
    terminal,
)

if TYPE_CHECKING:  # help must not wait for torch
    from attrbank_pullback.meaning import Meaning

SHOWN = 3


@spelled_out
def meaning(
    references: Annotated[list[str], typer.Argument(metavar="REF...", help="Attributes of one model.")],
    *,
    strength: Annotated[float, typer.Option(metavar="S", help="At which they act.")] = 1.0,
    seeds: Annotated[str, typer.Option(metavar="LIST", help="Of the people who are looked at.")] = "1000-1015",
    as_json: JsonOption = False,
    backbone: BackboneOption = None,
    where: Where,
    bank: BankOption = None,
) -> None:
    """Say what an attribute changes most, by a judge's eyes: for directions that have no name yet."""
    with progress_bar() as report:
        from attrbank_pullback.meaning import Request, meanings

        request = Request(
            references=references,
            seeds=parse_seeds(seeds),
            strength=strength,
            backbone=backbone,
            placement=where.placement(),
            bank=bank,
        )
        found = [(entry.reference, seen) for entry, seen in meanings(request, report)]
    if as_json:
        terminal.document([{"reference": reference} | seen.as_json() for reference, seen in found])
    else:
        terminal.table(["attribute", "name", "changes, in spreads over people"], [_row(*each) for each in found])


def _row(reference: str, seen: Meaning) -> list[str]:
    changes = [f"{change.goal} {change.size:+.1f} ({change.agreeing:.0%})" for change in seen.changes[:SHOWN]]
    return [reference, seen.name or "none", ", ".join(changes)]
