"""``attrbank diff``: what two attributes differ in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.completing import attributes
from attrbank.cli.listing import difference, span
from attrbank.cli.options import BankOption, JsonOption
from attrbank.errors import CorruptArtifactError, IncompatibleError
from attrbank.schema.choices import ON_THE_WAY
from attrbank.store.bank import Bank

if TYPE_CHECKING:
    from attrbank.store.entry import Entry


def diff(
    first: Annotated[str, typer.Argument(metavar="REF", autocompletion=attributes, help="An attribute.")],
    second: Annotated[str, typer.Argument(metavar="REF", autocompletion=attributes, help="Another.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what they have in common.")] = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Say what two attributes differ in.

    The cosine is that of what they change.
    """
    opened = Bank.open(bank)
    one, other = opened.resolve_all([first, second])
    mine, theirs = dict(_facts(opened, one)), dict(_facts(opened, other))
    names = dict.fromkeys([*mine, *theirs])
    facts = {name: (mine.get(name), theirs.get(name)) for name in names}
    shown = {name: pair for name, pair in facts.items() if everything or pair[0] != pair[1]}
    cosine, why_not = _cosine(opened, one, other)
    if as_json:
        told = {"attributes": [one.as_json(), other.as_json()], "cosine": cosine, "why_not": why_not}
        terminal.document(told | {"facts": {name: list(pair) for name, pair in shown.items()}})
        return
    rows = [(name, *map(_short, pair)) for name, pair in shown.items()]
    terminal.table(("FACT", one.reference, other.reference), [("cosine", _short(cosine), ""), *rows])
    if why_not:
        terminal.say(f"No cosine: {why_not}")
    if cosine is not None and ON_THE_WAY & {one.core, other.core}:
        terminal.say("It is of the means, which is not what acts where the core is live.")


def _short(value: object) -> object:
    """A number with the digits that say something."""
    return f"{value:.3g}" if isinstance(value, float) else value


def _cosine(bank: Bank, one: Entry, other: Entry) -> tuple[float | None, str | None]:
    """The cosine of two attributes, or why there is none."""
    from attrbank.editing.directions import cosine, direction_of

    try:
        return cosine(direction_of(bank.artifact(one)), direction_of(bank.artifact(other))), None
    except (IncompatibleError, CorruptArtifactError) as error:
        return None, error.message


def _facts(bank: Bank, entry: Entry) -> Iterator[tuple[str, object]]:
    """What is known of an attribute, as numbers and texts, by names that two attributes share."""
    record, card, said = bank.record(entry), bank.measurements.card(entry), bank.annotations.of(entry)
    for field in ("name", "id", "origin", "created", "method", "vectors", "core", "rank", "unit", "solver", "k"):
        yield field, getattr(entry, field)
    yield "model", record.backbone.name
    yield "fingerprint", record.backbone.fingerprint
    yield "latent shape", "×".join(map(str, record.backbone.latent_shape))
    for number, pair in enumerate(entry.pairs, 1):
        yield f"pair {number}", difference(pair.source, pair.target)
    if not entry.pairs:
        yield "learned from", entry.source
    yield "words", " ".join(record.words) or None
    yield "seeds", entry.seeds
    for field in ("t_x", "delta_tau", "sampler", "steps", "guidance_scale"):
        yield field, getattr(entry, field)
    yield "branch", record.branch
    yield "times", " ".join(f"{time:.3g}" for time in record.times) or None
    calibration = record.calibration
    yield "calibrated by", calibration and calibration.judge
    yield "raw strength at 1", calibration and calibration.raw[-1]
    yield "range", span(entry.usable_low, entry.usable_high)
    yield from sorted(record.measured.items())
    for name, figure in (card.full or {}).items() if card else ():
        yield f"{name} at 1", str(figure)
    yield "measured by", card and f"protocol {card.protocol.hash} ({card.protocol.judge}, seeds {card.protocol.seeds})"
    yield "tags", " ".join(entry.tags) or None
    yield "aliases", " ".join(said.aliases) or None
    yield "note", said.note or None
    yield "bytes", entry.size_bytes
