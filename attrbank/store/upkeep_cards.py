"""Checks cards and the matrix, and takes cards into a rebuilt index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrbank.errors import AttrbankError
from attrbank.store import _fs, cards, ledger
from attrbank.store.entry import Origin
from attrbank.store.finding import Finding, State, state_of
from attrbank.store.layout import CARD_SUFFIX, Layout, identity_of

Facts = Mapping[str, Any]


def indexed_cards(connection: sqlite3.Connection) -> dict[str, Facts]:
    """What the index keeps of cards, by id."""
    query = f"SELECT {', '.join(cards.FACTS)} FROM cards"  # noqa: S608 — only constants of ours are put in
    return {row[0]: dict(zip(cards.FACTS, row, strict=True)) for row in connection.execute(query)}


def verify_cards(
    layout: Layout, origin: Origin, names: Mapping[str, str], indexed: Mapping[str, Facts] | None = None
) -> Iterator[Finding]:
    """Checks every card.

    Args:
        layout: the bank.
        origin: whose it is.
        names: of all attributes that a card may belong to, by id.
        indexed: what the index keeps of cards; None if the bank has no index.
    """
    files = _fs.list_folder(layout.cards)
    for path in files:
        identity = identity_of(path, CARD_SUFFIX)
        item = f"{layout.cards.name}/{path.name}"
        if identity is None:
            yield Finding("leftover", item, None, origin, "Left by an interrupted write, or not ours.")
            continue
        state, facts, detail = _inspect(layout, identity)
        if state == "ok" and indexed is not None and indexed.get(identity) != facts:
            state, detail = "misindexed", "The index tells something else. Run: attrbank reindex"
        elif state == "ok" and identity not in names:
            state, detail = "orphan", "No attribute has this id."
        yield Finding(state, item, names.get(identity), origin, detail)
    for identity in sorted((indexed or {}).keys() - {path.stem for path in files}):
        item = f"{layout.cards.name}/{identity}{CARD_SUFFIX}"
        yield Finding("missing", item, names.get(identity), origin, "Run: attrbank reindex")


def verify_matrix(layout: Layout, origin: Origin) -> Iterator[Finding]:
    """Checks the matrix, if there is one."""
    if layout.matrix not in _fs.list_folder(layout.root):
        return
    try:
        cards.get_matrix(layout)
        yield Finding("ok", layout.matrix.name, None, origin)
    except AttrbankError as error:
        yield Finding(state_of(error), layout.matrix.name, None, origin, error.message)


def read_cards(layout: Layout, read: Callable[[Path], Facts] | None = None) -> dict[str, Facts]:
    """What the cards of a bank tell, by id; those that are damaged are for ``verify``.

    Args:
        layout: the bank.
        read: what a file tells, as ``read_card`` does, which is the default.
    """
    told = ((read or partial(read_card, layout))(path) for path in _fs.list_folder(layout.cards))
    return {facts["id"]: facts for facts in told if facts}


def read_card(layout: Layout, path: Path) -> Facts:
    """What a file in the folder of cards tells; nothing if it is no card."""
    identity = identity_of(path, CARD_SUFFIX)
    return _inspect(layout, identity)[1] if identity else {}


def reindex_cards(connection: sqlite3.Connection, told: Mapping[str, Facts]) -> None:
    """Takes what the cards tell into the index, inside its transaction; rows that tell it already stay."""
    there = indexed_cards(connection)
    connection.executemany("DELETE FROM cards WHERE id = ?", [(identity,) for identity in there.keys() - told.keys()])
    for identity, facts in told.items():
        if there.get(identity) != facts:
            ledger.write_card(connection, facts)


def _inspect(layout: Layout, identity: str) -> tuple[State, Facts, str]:
    """The state of one card by itself, the facts it tells (none if it is not one), and a detail."""
    try:
        card = cards.get_card(layout, identity)
    except AttrbankError as error:
        return state_of(error), {}, error.message
    if card is None:
        return "missing", {}, "It has just gone."
    return "ok", cards.derive_card(card.model_dump(mode="json")), ""
