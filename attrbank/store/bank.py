"""A bank: the attributes that a user has learned, over those that are shipped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from attrbank.errors import CorruptArtifactError, InvalidValueError, NotFoundError, StorageError
from attrbank.names import Reference, parse_reference
from attrbank.store import _fs, adding, blobs, index, ledger, references, search, upkeep
from attrbank.store.annotating import Annotations
from attrbank.store.catalogue import (
    MOST_FIRST,
    catalogue,
    count_all,
    first_rows,
    first_then_others,
    names_from,
    only,
    picked,
    prepare,
    require_index,
    select_rows,
    where,
)
from attrbank.store.entry import DOCUMENT, Entry, entry_from_json
from attrbank.store.finding import Finding
from attrbank.store.layout import Layout, default_bank, starter_bank
from attrbank.store.measurements import Measurements
from attrbank.store.previews import Previews
from attrbank.store.trash import GRACE, Trashed, prune, trashed

if TYPE_CHECKING:  # ``list`` does without what these import
    from attrbank.schema.annotated import Annotation
    from attrbank.schema.stored import AttributeRecord
    from attrbank.store.backup import Backup
    from attrbank.store.rebuild import Rebuilt
    from attrbank.store.repair import Mended


class Bank:
    """A folder of attributes. Reading never creates or changes anything.

    Besides what their docstrings name, all methods raise ``StorageError`` (the bank is a file, or cannot be read or
    written), ``BankBusyError``, ``IncompatibleError`` (a newer attrbank wrote it) and ``CorruptArtifactError`` (the
    index is damaged).

    Args:
        path: the folder; it need not exist yet.
        starter: a bank to be read beneath it, and never written.
    """

    def __init__(self, path: Path | str, starter: Path | str | None = None) -> None:
        self.path = Path(path)
        self._layout = Layout(self.path)
        is_itself = starter is not None and os.path.realpath(starter) == os.path.realpath(self.path)
        self._starter = None if starter is None or is_itself else Layout(Path(starter))

    @classmethod
    def open(cls, path: Path | str | None = None) -> Self:
        """The bank at ``path``, else at ``ATTRBANK_BANK``, else the user's own; over the starter bank."""
        return cls(default_bank() if path is None else path, starter_bank())

    @classmethod
    def starter(cls) -> Self:
        """The shipped bank alone, whatever the user has learned.

        Raises:
            NotFoundError: it is not there.
        """
        path = starter_bank()
        if path is None:
            raise NotFoundError("The starter bank is not there.", "Reinstall attrbank.")
        return cls(path / "nobody", path)

    def entries(self, filters: Sequence[str] = (), sort: str = "name", limit: int | None = None) -> tuple[Entry, ...]:
        """The attributes that bare names mean.

        Args:
            filters: conditions that all hold, such as ``t_x<0.5``, ``core=mean`` or ``source~person``.
            sort: ``FIELD`` or ``FIELD:desc``.
            limit: at most so many; None is all.

        Raises:
            InvalidValueError: a filter or the sort is malformed.
        """
        return tuple(entry_from_json(text) for (text,) in self.rows([DOCUMENT], filters, sort, limit))

    def rows(
        self, fields: Sequence[str], filters: Sequence[str] = (), sort: str = "name", limit: int | None = None
    ) -> list[tuple[Any, ...]]:
        """What ``entries`` gives, each as the values of some fields other than ``pairs``; quicker, for long lists.

        The field ``document`` is a whole entry as one line of JSON.

        Raises:
            InvalidValueError: a filter or the sort is malformed, or there is no such field.
        """
        tail, parameters = picked(filters, sort, limit)
        with catalogue(self._layout, self._starter) as connection:
            if sort == "name" and not filters and limit is not None and limit <= MOST_FIRST:
                return first_rows(connection, fields, limit)
            return select_rows(connection, fields, tail, parameters)

    def stream(self, fields: Sequence[str], filters: Sequence[str] = (), sort: str = "name") -> Iterator[Sequence[Any]]:
        """What ``rows`` gives; a list by name begins at once, however long, and no writer waits for its reader."""
        if filters or sort != "name":
            yield from self.rows(fields, filters, sort)
            return
        with catalogue(self._layout, self._starter) as connection:
            yield from first_then_others(connection, fields)

    def names(self, beginning: str = "") -> list[str]:
        """Names and aliases that begin so, at most a thousand."""
        with catalogue(self._layout, self._starter) as connection:
            return names_from(connection, beginning)

    def count(self, filters: Sequence[str] = ()) -> int:
        """How many attributes ``entries`` would give without a limit.

        Raises:
            InvalidValueError: a filter is malformed.
        """
        clause, parameters = where(filters)
        with catalogue(self._layout, self._starter) as connection:
            if not filters:
                return count_all(connection)
            counted = connection.execute(f"SELECT count(*) FROM catalogue {clause}", parameters)  # noqa: S608
            return int(counted.fetchone()[0])

    def search(self, words: Sequence[str], limit: int | None = None) -> tuple[Entry, ...]:
        """The attributes that hold all of some words, or their beginnings, the best first.

        Names, aliases, prompts, tags and notes are searched, whatever the case and the accents.

        Raises:
            InvalidValueError: there are no words.
        """
        with catalogue(self._layout, self._starter) as connection:
            return search.found(connection, words, limit)

    def resolve(self, reference: str) -> Entry:
        """The attribute that ``NAME``, ``NAME@ID-PREFIX`` or ``ID-PREFIX`` means; a name beats a prefix.

        Raises:
            InvalidValueError: the text is no reference.
            NotFoundError: it means nothing, or several; the hint lists what comes near.
        """
        (entry,) = self._found([parse_reference(reference)])
        return entry

    def resolve_all(self, texts: Sequence[str]) -> tuple[Entry, ...]:
        """The attributes that several references mean, in their order.

        Raises:
            InvalidValueError: a text is no reference, or two mean the same attribute.
            NotFoundError: one means nothing, or several.
        """
        found: dict[str, str] = {}
        entries = self._found([parse_reference(text) for text in texts])
        for text, entry in zip(texts, entries, strict=True):
            if entry.id in found:
                first = found[entry.id]
                both = f"{first!r} twice" if first == text else f"{first!r} and {text!r}, which are the same attribute"
                raise InvalidValueError(f"You give {both}.", "Give each attribute once, with one strength.")
            found[entry.id] = text
        return entries

    def versions(self, name: str) -> tuple[Entry, ...]:
        """All attributes of a name, the one that the bare name means first, then the newest."""
        with catalogue(self._layout, self._starter) as connection:
            return references.versions(connection, name)

    def artifact(self, entry: Entry) -> blobs.Artifact:
        """The artifact, read and parsed once, with its hash checked.

        Raises:
            CorruptArtifactError: it is missing or damaged.
        """
        layout = self._starter if entry.origin == "starter" else self._layout
        if layout is None:
            raise CorruptArtifactError(f"The attribute {entry.name!r} belongs to a starter bank that is not there.")
        return blobs.get(layout.object(entry.id))

    def read(self, entry: Entry) -> bytes:
        """The artifact's bytes; raises as ``artifact``."""
        return self.artifact(entry).data

    def record(self, entry: Entry) -> AttributeRecord:
        """All that the artifact says about itself beside its tensors.

        Raises:
            CorruptArtifactError: it is missing or damaged.
            IncompatibleError: it has another format version.
        """
        return self.artifact(entry).record

    @property
    def measurements(self) -> Measurements:
        """What was measured of its attributes."""
        return Measurements(self._layout, self._starter)

    @property
    def annotations(self) -> Annotations:
        """What the user says of its attributes."""
        return Annotations(self._layout, self._starter)

    @property
    def previews(self) -> Previews:
        """What its attributes look like."""
        return Previews(self._layout, self._starter)

    def refuse_taken(self, *names: str) -> None:
        """Does nothing if names are free for a user's attributes; to be asked before a long learning.

        Raises:
            InvalidValueError: one is in use.
        """
        with catalogue(self._layout, None) as connection:
            for name in names:
                ledger.require_free(connection, name)

    def add(
        self, data: bytes, *, name: str | None = None, replace: bool = False, annotation: Annotation | None = None
    ) -> Entry:
        """Stores an artifact under the name in its record; when this returns, it survives a power failure.

        Adding the same bytes again is no error, and what was renamed keeps its name. The bank is created if need be.

        Args:
            data: an artifact, as ``attrbank.attribute.artifact.encode`` makes it.
            name: what to call it, whatever it was called here or where it comes from.
            replace: let the name mean this one from now on; the one before stays as ``NAME@ID``.
            annotation: what is said of it where it comes from; where that contradicts this bank's, the bank's counts,
                and aliases that mean another attribute are left out.

        Raises:
            CorruptArtifactError: ``data`` is not a valid artifact.
            IncompatibleError: it has another format version.
            InvalidValueError: the name is in use, and ``replace`` is off.
        """
        (identity,) = adding.add(self._layout, [adding.Incoming(data, name, annotation)], replace=replace)
        return self._user_entry(identity)

    def add_all(self, artifacts: Sequence[bytes], *, replace: bool = False) -> tuple[Entry, ...]:
        """Stores artifacts that belong together: all of them, or none; arguments and errors as ``add``."""
        added = adding.add(self._layout, [adding.Incoming(data) for data in artifacts], replace=replace)
        return tuple(self._user_entry(identity) for identity in added)

    def remove(self, reference: str) -> Entry:
        """Moves an attribute to the trash, from where ``restore`` brings it back.

        Raises:
            InvalidValueError: the text is no reference.
            NotFoundError: it means nothing, or several.
            StorageError: the attribute belongs to the starter bank, which is never changed.
        """
        entry = self.resolve(reference)
        if entry.origin == "starter":
            raise StorageError(
                f"{entry.name!r} belongs to the starter bank, which is read-only.",
                "Learn an attribute of the same name to hide it.",
            )
        with index.writing(self._layout.index) as connection:
            if ledger.state(connection, entry.id) != "present":
                raise NotFoundError(f"{entry.reference} has just been removed by somebody else.")
            ledger.retire(connection, entry.id)
        # The row comes first, so that no kill leaves a name without its file; then the file, unless it came back.
        with index.writing(self._layout.index) as connection:
            if ledger.state(connection, entry.id) == "removed":
                _fs.move(self._layout.object(entry.id), self._layout.trashed(entry.id))
        return entry

    def restore(self, reference: str) -> Entry:
        """Brings a removed attribute back; if its name is in use by now, as ``NAME@ID`` only (not ``current``).

        Raises:
            InvalidValueError: the text is no reference.
            NotFoundError: no such attribute was removed.
            CorruptArtifactError: it was damaged in the trash.
        """
        parsed = parse_reference(reference)
        with catalogue(self._layout, None) as connection:
            entry = references.find_removed(connection, parsed)
        trashed, restored = self._layout.trashed(entry.id), self._layout.object(entry.id)
        with index.writing(self._layout.index) as connection:
            if ledger.state(connection, entry.id) != "removed":
                raise NotFoundError(f"{entry.reference} has just been brought back by somebody else.")
            blobs.get(trashed if os.path.exists(trashed) else restored)
            _fs.move(trashed, restored)
            ledger.readmit(connection, entry.id, entry.name)
        return self._user_entry(entry.id)

    def trash(self) -> tuple[Trashed, ...]:
        """What was removed, the newest first."""
        return trashed(self._layout)

    def prune(self, grace: float = GRACE, *, dry_run: bool = False) -> tuple[Trashed, ...]:
        """Deletes for good what was removed longer ago than ``grace`` seconds, with all that is said of it.

        Args:
            grace: seconds.
            dry_run: only say what would be deleted.

        Raises:
            CorruptArtifactError: an attribute is damaged, so that the trash may be all there is of it.
        """
        return prune(self._layout, self._starter, grace, dry_run=dry_run)

    def backup(self, path: Path, *, over: bool = False) -> Backup:
        """Copies the user's bank, trash, cards, annotations and previews included, into one file: a plain tar.

        Raises:
            InvalidValueError: there is a file already, and ``over`` is off.
            StorageError: it cannot be written.
        """
        from attrbank.store import backup

        return backup.write(self._layout, path, over=over)

    def restore_backup(self, path: Path) -> int:
        """Fills the user's bank, which must be empty, from a backup, and tells with how many attributes.

        Raises:
            NotFoundError: there is no such file.
            CorruptArtifactError, IncompatibleError: it is damaged, or of another format version.
            InvalidValueError: the bank is not empty.
        """
        from attrbank.store import backup

        return backup.restore(self._layout, path)

    def verify(self, use: Callable[[bytes], None] | None = None) -> tuple[Finding, ...]:
        """Checks every artifact's bytes against its id, cards and matrix, and the index against the artifacts.

        Args:
            use: also tries every artifact that is sound; it raises ``AttrbankError`` for what cannot be used.
        """
        from attrbank.store import repair

        findings = self._verify()
        return findings if use is None else tuple(repair.tried(findings, self._read_found, use))

    def repair(self) -> tuple[Mended, ...]:
        """Mends what can be mended, and says what it did; nothing is deleted."""
        from attrbank.store import repair

        return repair.repair(self._layout, self._starter) if _fs.is_folder(self.path) else ()

    def _read_found(self, finding: Finding) -> bytes:
        layout = self._starter if finding.origin == "starter" else self._layout
        return blobs.get((layout or self._layout).object(finding.item)).data

    def _verify(self) -> tuple[Finding, ...]:
        shipped = upkeep.verify_starter(self._starter) if self._starter else ()
        names = {found.item: found.name for found in shipped if found.name}
        return (upkeep.verify(self._layout, names) if require_index(self._layout) else ()) + shipped

    def reindex(self) -> Rebuilt:
        """Rebuilds the index from the artifacts, keeping what they cannot tell as far as the old index can be read."""
        from attrbank.store import rebuild

        return rebuild.reindex(self._layout) if _fs.is_folder(self.path) else rebuild.Rebuilt(())

    def require_writable(self) -> None:
        """Create the bank if need be; to be asked before a long learning.

        Raises:
            StorageError: it cannot be written.
        """
        prepare(self._layout)
        if not os.access(self.path, os.W_OK):
            raise StorageError(f"The bank {self.path} cannot be written.", "Name another with --bank.")

    def _found(self, parsed: Sequence[Reference]) -> tuple[Entry, ...]:
        """What references mean; the banks are looked through once for all of them."""
        with catalogue(self._layout, self._starter) as connection:
            return tuple(references.find(connection, reference) for reference in parsed)

    def _user_entry(self, identity: str) -> Entry:
        with catalogue(self._layout, None) as connection:
            return only(connection, identity)
