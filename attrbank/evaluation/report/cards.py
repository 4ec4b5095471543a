"""Cards from figures: ``python -m attrbank.evaluation.report.cards --figures docs/eval/figures.json --out bank``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from attrbank.evaluation.numbers.results import AttributeFigures, Figures
from attrbank.schema.measured import Card, Protocol
from attrbank.store import cards
from attrbank.store.layout import CARD_SUFFIX, Layout, identity_of, object_files


def cards_of(figures: Figures) -> Iterator[Card]:
    """A card for every attribute that was measured itself, not just its competitors."""
    for attribute in figures.attributes:
        card = _card(attribute, figures.protocol)
        if card:
            yield card


def _card(attribute: AttributeFigures, protocol: Protocol) -> Card | None:
    curve = attribute.curve("attribute")
    if curve is None:
        return None
    full = curve.at(1.0)
    return Card(
        id=attribute.id,
        protocol=protocol,
        pictures=attribute.pictures,
        target=attribute.target,
        full=full and full.figures,
        matched=curve.matched,
        limit=attribute.limit,
        usable=curve.usable,
    )


def main(
    figures: Annotated[Path, typer.Option(help="A figures.json.")] = Path("docs/eval/figures.json"),
    out: Annotated[Path, typer.Option(help="The bank's folder.")] = Path("bank"),
) -> None:
    """Give a starter bank the cards of an evaluation, and take away those of attributes that it does not have."""
    layout = Layout(out)
    there = {identity_of(path) for path in object_files(layout)}
    found = Figures.model_validate_json(figures.read_text(encoding="utf-8"))
    names = {attribute.id: attribute.name for attribute in found.attributes}
    for path in cards.card_files(layout):
        if identity_of(path, CARD_SUFFIX) not in there:
            path.unlink()
    for card in cards_of(found):
        if card.id in there:
            cards.put_card(layout, card)
        else:
            typer.echo(f"{out} has no attribute {names[card.id]}@{card.id[:12]}", err=True)


if __name__ == "__main__":
    typer.run(main)
