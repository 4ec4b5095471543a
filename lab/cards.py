"""Cards from figures: ``python -m lab.cards --figures docs/eval/figures.json --out bank``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attrbank.evaluation.numbers.results import Figures
from attrbank.evaluation.report.fill_cards import cards_of
from attrbank.store import cards
from attrbank.store.layout import CARD_SUFFIX, Layout, identity_of, object_files


def main(
    figures: Annotated[Path, typer.Option(help="A figures.json.")] = Path("docs/eval/figures.json"),
    out: Annotated[Path, typer.Option(help="The bank's folder.")] = Path("bank"),
) -> None:
    """Give a starter bank the cards of an evaluation, and take away those of attributes that it does not have."""
    layout = Layout(out)
    there = {identity_of(path) for path in object_files(layout)}
    found = Figures.model_validate_json(figures.read_text(encoding="utf-8"))
    names = {attribute.id: attribute.name for attribute in found.attributes}
    for path in sorted(layout.cards.glob("*")):
        if identity_of(path, CARD_SUFFIX) not in there:
            path.unlink()
    for card in cards_of(found):
        if card.id in there:
            cards.put_card(layout, card)
        else:
            typer.echo(f"{out} has no attribute {names[card.id]}@{card.id[:12]}", err=True)


if __name__ == "__main__":
    typer.run(main)
