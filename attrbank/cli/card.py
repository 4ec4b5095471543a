"""A card as lines to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrbank.cli import terminal
from attrbank.schema.measured import Card, Estimate


def card_facts(card: Card) -> Iterator[tuple[str, str]]:
    """What was measured, on what, and how."""
    how = card.protocol
    yield "judged by", f"{how.judge}, on {card.pictures} pictures that lacked it, seeds {how.seeds}"
    yield "judged under", f"{how.prompt} (protocol {how.hash})"
    yield "judged with", f"{how.sampler}, {how.steps} steps, guidance_scale {terminal.number(how.guidance_scale)}"
    if card.full:
        yield "at strength 1", _figures(card.full)
    matched = card.matched
    place = "at success .95" if matched.reached else "at its best"
    yield place, f"strength {matched.strength:.2f}: {_figures(matched.figures)}"
    if card.limit:
        yield "perfect edit", ", ".join(f"{name} {value:.3g}" for name, value in card.limit.items())
    yield "usable", "{:.3g} … {:.3g}".format(*card.usable) if card.usable else "at no strength that was tried"


def _figures(figures: Mapping[str, Estimate]) -> str:
    return ", ".join(f"{name} {f.value:.3g} [{f.low:.3g}, {f.high:.3g}]" for name, f in figures.items())
