"""From figures to the cards that banks keep of attributes."""

from __future__ import annotations

from collections.abc import Iterator

from attrbank.evaluation.numbers.results import AttributeFigures, Figures
from attrbank.schema.measured import Card, Protocol


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
