"""What attributes look like, as files of a bank: ``previews/<id>.jpg``, drawn when they were learned."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrbank.errors import AttrbankError, CorruptArtifactError
from attrbank.store import _fs, json_files
from attrbank.store.catalogue import prepare
from attrbank.store.entry import Entry, Origin
from attrbank.store.finding import Finding, state_of
from attrbank.store.layout import PREVIEW_SUFFIX, Layout, identity_of

MAX_PREVIEW = 60_000
"""Bytes."""

_JPEG = b"\xff\xd8\xff"


class Previews:
    """The previews of a bank, over those of the starter bank. One belongs to an id, as annotations do.

    Args:
        layout: the user's bank.
        starter: the bank beneath it.
    """

    def __init__(self, layout: Layout, starter: Layout | None) -> None:
        self._layout, self._starter = layout, starter

    def path(self, entry: Entry) -> Path | None:
        """Where the preview of an attribute is, if it has one; nothing of it is read."""
        shipped = self._starter if entry.origin == "starter" else None
        paths = (layout.preview(entry.id) for layout in (self._layout, shipped) if layout)
        return next((path for path in paths if os.path.isfile(path)), None)

    def read(self, entry: Entry) -> bytes | None:
        """The preview of an attribute, if it has one; raises as ``get``."""
        path = self.path(entry)
        return None if path is None else get(path)

    def keep(self, entry: Entry, picture: bytes) -> Path:
        """Keep a JPEG, in the place of any preview of the same attribute, and tell where.

        Raises:
            CorruptArtifactError: it is no JPEG, or larger than ``MAX_PREVIEW``.
            StorageError, BankBusyError: it cannot be written.
        """
        _check(self._layout.preview(entry.id), picture)
        prepare(self._layout)
        return put_preview(self._layout, entry.id, picture)


def put_preview(layout: Layout, identity: str, picture: bytes) -> Path:
    """Write a JPEG durably, in the place of any that is there, and tell where.

    Raises:
        CorruptArtifactError: it is no JPEG, or larger than ``MAX_PREVIEW``.
        StorageError: it cannot be written.
    """
    path = layout.preview(identity)
    _check(path, picture)
    _fs.make_folder(layout.previews)
    _fs.publish(path, picture)
    return path


def get(path: Path) -> bytes | None:
    """The preview in a file from anywhere, if there is such a file.

    Raises:
        CorruptArtifactError: it is no JPEG, or larger than ``MAX_PREVIEW``.
        StorageError: it cannot be read.
    """
    picture = json_files.read_bytes(path, MAX_PREVIEW)
    if picture is not None:
        _check(path, picture)
    return picture


def verify_previews(layout: Layout, origin: Origin, names: Mapping[str, str]) -> Iterator[Finding]:
    """Checks every preview; ``names`` are of all attributes that one may belong to, by id."""
    for path in _fs.list_folder(layout.previews):
        identity, item = identity_of(path, PREVIEW_SUFFIX), f"{layout.previews.name}/{path.name}"
        if identity is None:
            yield Finding("leftover", item, None, origin, "Left by an interrupted write, or not ours.")
            continue
        try:
            get(path)
        except AttrbankError as error:
            yield Finding(state_of(error), item, names.get(identity), origin, error.message)
            continue
        if identity in names:
            yield Finding("ok", item, names[identity], origin)
        else:
            yield Finding("orphan", item, None, origin, "No attribute has this id.")


def _check(path: Path, picture: bytes) -> None:
    if not picture.startswith(_JPEG) or len(picture) > MAX_PREVIEW:
        reason = f"it is no JPEG of at most {MAX_PREVIEW:,} bytes"
        raise CorruptArtifactError(f"{path} is damaged: {reason}.", "Remove it, or put a good copy in its place.")
