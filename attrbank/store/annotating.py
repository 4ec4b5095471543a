"""What users say of attributes: tags, a note, other names. The artifact and its id stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from attrbank.errors import InvalidValueError, NotFoundError, StorageError
from attrbank.names import validate_name
from attrbank.store import index, ledger, notes
from attrbank.store.catalogue import catalogue, only, prepare, select
from attrbank.store.entry import Entry
from attrbank.store.layout import Layout

if TYPE_CHECKING:  # pydantic models are slow to import
    from attrbank.schema.annotated import Annotation


class Annotations:
    """The annotations of a bank, of its own attributes and of the starter bank's.

    An annotation belongs to an id, so it outlasts the removal of its attribute. All methods that write raise
    ``BankBusyError``, ``StorageError`` or ``CorruptArtifactError`` where the bank cannot be written, and
    ``NotFoundError`` if somebody else has just removed the attribute.

    Args:
        layout: the user's bank.
        starter: the bank beneath it.
    """

    def __init__(self, layout: Layout, starter: Layout | None) -> None:
        self._layout, self._starter = layout, starter

    def of(self, entry: Entry) -> Annotation:
        """What is said of an attribute; of most, nothing.

        Raises:
            CorruptArtifactError: it is not a valid annotation.
            IncompatibleError: it has another format version.
        """
        return _or_empty(notes.get(self._layout, entry.id), entry.id)

    def tag(self, entry: Entry, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Annotation:
        """Add and remove tags; those that are there, or not there, are no error.

        Raises:
            InvalidValueError: a tag is not made as names are, or there are more than 64.
        """
        added, removed = tuple(map(validate_name, add)), set(map(validate_name, remove))
        return self._change(entry, lambda old: {"tags": _changed(old.tags, added, removed)})

    def note(self, entry: Entry, text: str) -> Annotation:
        """Keep a note in the place of any that is there; an empty one removes it.

        Raises:
            InvalidValueError: it is no valid text, or longer than 10,000 characters.
        """
        return self._change(entry, lambda old: {"note": text})

    def alias(self, entry: Entry, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Annotation:
        """Let other names mean an attribute, or mean it no more.

        Raises:
            InvalidValueError: one is no name, or means another attribute already.
        """
        added, removed = tuple(map(validate_name, add)), set(map(validate_name, remove))
        self._require_unknown(added, entry)

        def change(old: Annotation) -> dict[str, object]:
            former = tuple(name for name in old.former if name not in added)
            return {"aliases": _changed(old.aliases, added, removed), "former": former}

        return self._change(entry, change, added)

    def rename(self, entry: Entry, name: str) -> Entry:
        """Call an attribute otherwise; with its id, the name before still means it.

        Raises:
            InvalidValueError: it is no name, or means another attribute already.
            StorageError: the attribute belongs to the starter bank.
        """
        if entry.origin == "starter":
            raise StorageError(
                f"{entry.name!r} belongs to the starter bank, which is read-only.",
                "Give it another with attrbank alias.",
            )

        def change(old: Annotation) -> dict[str, object]:
            before = notes.union(old.former, (entry.name,))[-64:]
            kept = {"former": tuple(former for former in before if former != name)}
            return {**kept, "name": name, "aliases": tuple(alias for alias in old.aliases if alias != name)}

        self._change(entry, change, (validate_name(name),), name)
        with catalogue(self._layout, None) as connection:
            return only(connection, entry.id)

    def _require_unknown(self, names: tuple[str, ...], entry: Entry) -> None:
        """What a name means already, an alias would never mean."""
        with catalogue(self._layout, self._starter) as connection:
            for name in names:
                if named := select(connection, "WHERE name = ? AND current AND removed IS NULL", (name,)):
                    raise InvalidValueError(f"{name!r} is the name of {named[0].reference}.", "Choose another name.")

    def _change(
        self,
        entry: Entry,
        change: Callable[[Annotation], dict[str, object]],
        names: tuple[str, ...] = (),
        called: str | None = None,
    ) -> Annotation:
        """Write the file, then the rows, while nobody else writes: what a kill leaves is the old or the new text."""
        prepare(self._layout)
        with index.writing(self._layout.index) as connection:
            if entry.origin == "user" and ledger.state(connection, entry.id) != "present":
                raise NotFoundError(f"{entry.reference} has just been removed by somebody else.")
            for name in names:
                ledger.require_free(connection, name, entry.id, replaceable=False)
            old = _or_empty(notes.get(self._layout, entry.id), entry.id)
            new = _checked(old, change(old))
            notes.put(self._layout, new)
            ledger.write_annotation(connection, new)
            if called is not None:
                ledger.call(connection, entry.id, called)
        return new


def _or_empty(annotation: Annotation | None, identity: str) -> Annotation:
    from attrbank.schema.annotated import Annotation

    return annotation or Annotation(id=identity)


def _changed(old: tuple[str, ...], added: tuple[str, ...], removed: set[str]) -> tuple[str, ...]:
    return tuple(word for word in notes.union(old, added) if word not in removed)


def _checked(old: Annotation, changes: dict[str, object]) -> Annotation:
    from pydantic import ValidationError

    try:
        return type(old).model_validate(old.model_dump() | changes)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidValueError(f"This cannot be kept: {first['loc'][0]}: {first['msg']}.", "Shorten it.") from error
