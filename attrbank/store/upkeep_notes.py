"""Checks annotations, and takes them into a rebuilt index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrbank.errors import AttrbankError
from attrbank.store import ledger, notes
from attrbank.store.finding import Finding, State, state_of
from attrbank.store.layout import CARD_SUFFIX, Layout, identity_of

if TYPE_CHECKING:
    from attrbank.schema.annotated import Annotation

Told = tuple[object, ...]


def indexed_notes(connection: sqlite3.Connection) -> dict[str, Told]:
    """What the index keeps of annotations, by id: tags, note, and other names with whether they are former ones."""
    told: dict[str, list[object]] = {
        identity: [tags, note] for identity, tags, note in connection.execute("SELECT id, tags, note FROM annotations")
    }
    for name, identity, former in connection.execute("SELECT name, id, former FROM aliases ORDER BY name"):
        told.setdefault(identity, []).append((name, former))
    return {identity: tuple(facts) for identity, facts in told.items()}


def verify_notes(layout: Layout, names: Mapping[str, str], indexed: Mapping[str, Told]) -> Iterator[Finding]:
    """Checks every annotation.

    Args:
        layout: the bank.
        names: of all attributes that one may belong to, by id, as the index has them.
        indexed: what the index keeps of annotations.
    """
    files = notes.note_files(layout)
    for path in files:
        identity, item = identity_of(path, CARD_SUFFIX), f"{layout.annotations.name}/{path.name}"
        if identity is None:
            yield Finding("leftover", item, None, "user", "Left by an interrupted write, or not ours.")
            continue
        state, annotation, detail = _inspect(layout, identity)
        name = names.get(identity)
        if annotation and (
            indexed.get(identity) != _told(annotation) or (name and annotation.name not in {None, name})
        ):
            state, detail = "misindexed", "The index tells something else. Run: attrbank reindex"
        elif annotation and name is None:
            state, detail = "orphan", "No attribute has this id."
        yield Finding(state, item, name, "user", detail)
    for identity in sorted(indexed.keys() - {path.stem for path in files}):
        item = f"{layout.annotations.name}/{identity}{CARD_SUFFIX}"
        yield Finding("missing", item, names.get(identity), "user", "Run: attrbank reindex")


def reindex_notes(connection: sqlite3.Connection, layout: Layout) -> None:
    """Takes annotations into the index, inside its transaction; those that are damaged are for ``verify``."""
    for table in ("annotations", "aliases"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    for path in notes.note_files(layout):
        identity = identity_of(path, CARD_SUFFIX)
        annotation = _inspect(layout, identity)[1] if identity else None
        if annotation:
            ledger.write_annotation(connection, annotation)


def names_of(layout: Layout) -> dict[str, str]:
    """The names that users have given in the place of those in the records, by id."""
    found = (notes_of(layout, identity_of(path, CARD_SUFFIX)) for path in notes.note_files(layout))
    return {annotation.id: annotation.name for annotation in found if annotation and annotation.name}


def notes_of(layout: Layout, identity: str | None) -> Annotation | None:
    """The annotation of an attribute, if there is one that can be read."""
    return _inspect(layout, identity)[1] if identity else None


def _inspect(layout: Layout, identity: str) -> tuple[State, Annotation | None, str]:
    try:
        annotation = notes.get(layout, identity)
    except AttrbankError as error:
        return state_of(error), None, error.message
    return ("ok", annotation, "") if annotation else ("missing", None, "It has just gone.")


def _told(annotation: Annotation) -> Told:
    told, names = notes.rows(annotation)
    return (told["tags"], told["note"], *((row["name"], row["former"]) for row in names))
