"""Checks annotations, and takes them into a rebuilt index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from attrbank.errors import AttrbankError
from attrbank.store import _fs, ledger, notes
from attrbank.store.finding import Finding, State, state_of
from attrbank.store.layout import CARD_SUFFIX, Layout, identity_of

if TYPE_CHECKING:
    from attrbank.schema.annotated import Annotation

Told = tuple[object, ...]


class NoteFile(NamedTuple):
    """A file in the folder of annotations, as it was read.

    Attributes:
        item: what ``verify`` calls it.
        identity: the id that its name stands for; None if it is no annotation's.
        state: how it stands by itself.
        annotation: what it holds; None if that is no annotation of that id.
        detail: what is wrong with it.
    """

    item: str
    identity: str | None
    state: State
    annotation: Annotation | None
    detail: str


def indexed_notes(connection: sqlite3.Connection) -> dict[str, Told]:
    """What the index keeps of annotations, by id: tags, note, and other names with whether they are former ones."""
    told: dict[str, list[object]] = {
        identity: [tags, note] for identity, tags, note in connection.execute("SELECT id, tags, note FROM annotations")
    }
    for name, identity, former in connection.execute("SELECT name, id, former FROM aliases ORDER BY name"):
        told.setdefault(identity, []).append((name, former))
    return {identity: tuple(facts) for identity, facts in told.items()}


def read_notes(layout: Layout, read: Callable[[Path], NoteFile] | None = None) -> tuple[NoteFile, ...]:
    """Every file in the folder of annotations.

    Args:
        layout: the bank.
        read: what a file tells, as ``read_note`` does, which is the default.
    """
    return tuple(map(read or partial(read_note, layout), _fs.list_folder(layout.annotations)))


def read_note(layout: Layout, path: Path) -> NoteFile:
    """What a file in the folder of annotations tells."""
    identity, item = identity_of(path, CARD_SUFFIX), f"{layout.annotations.name}/{path.name}"
    if identity is None:
        return NoteFile(item, None, "leftover", None, "Left by an interrupted write, or not ours.")
    return NoteFile(item, identity, *_inspect(layout, identity))


def verify_notes(
    layout: Layout, read: Collection[NoteFile], names: Mapping[str, str], indexed: Mapping[str, Told]
) -> Iterator[Finding]:
    """Checks every annotation.

    Args:
        layout: the bank.
        read: its annotations.
        names: of all attributes that one may belong to, by id, as the index has them.
        indexed: what the index keeps of annotations.
    """
    for file in read:
        name, annotation = names.get(file.identity or ""), file.annotation
        state, detail = file.state, file.detail
        if annotation and (
            indexed.get(annotation.id) != _told(annotation) or (name and annotation.name not in {None, name})
        ):
            state, detail = "misindexed", "The index tells something else. Run: attrbank reindex"
        elif annotation and name is None:
            state, detail = "orphan", "No attribute has this id."
        yield Finding(state, file.item, name, "user", detail)
    for identity in sorted(indexed.keys() - {file.identity for file in read}):
        item = f"{layout.annotations.name}/{identity}{CARD_SUFFIX}"
        yield Finding("missing", item, names.get(identity), "user", "Run: attrbank reindex")


def reindex_notes(connection: sqlite3.Connection, read: Iterable[NoteFile]) -> None:
    """Takes annotations into the index, inside its transaction; rows that tell the same already stay.

    Those that are damaged are for ``verify``.
    """
    there = indexed_notes(connection)
    said = {file.annotation.id: file.annotation for file in read if file.annotation}
    for table in ("annotations", "aliases"):
        ids = [(identity,) for identity in there.keys() - said.keys()]
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", ids)  # noqa: S608
    for identity, annotation in said.items():
        if there.get(identity) != _told(annotation):
            ledger.write_annotation(connection, annotation)


def names_in(read: Iterable[NoteFile]) -> dict[str, str]:
    """The names that users have given in the place of those in the records, by id."""
    said = [file.annotation for file in read if file.annotation]
    return {annotation.id: annotation.name for annotation in said if annotation.name}


def notes_of(layout: Layout, identity: str) -> Annotation | None:
    """The annotation of an attribute, if there is one that can be read."""
    return _inspect(layout, identity)[1]


def _inspect(layout: Layout, identity: str) -> tuple[State, Annotation | None, str]:
    try:
        annotation = notes.get(layout, identity)
    except AttrbankError as error:
        return state_of(error), None, error.message
    return ("ok", annotation, "") if annotation else ("missing", None, "It has just gone.")


def _told(annotation: Annotation) -> Told:
    told, names = notes.rows(annotation)
    return (told["tags"], told["note"], *((row["name"], row["former"]) for row in names))
