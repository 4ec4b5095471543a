"""Bundles in plain folders, to which one process writes at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrbank import files
from attrbank.attribute import bundle
from attrbank.attribute.places.protocol import Change
from attrbank.errors import BankBusyError, InvalidValueError
from attrbank.store import json_files
from attrbank.text import printable

PATIENCE = 30.0
"""Seconds to wait for another who is writing to the same folder."""


class Folder:
    """A bundle in a plain folder.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def shown(self) -> str:
        """Its path."""
        return str(self.path)

    def read(self, name: str, limit: int) -> bytes | None:
        """As any place does."""
        return json_files.read_bytes(self.path / name, limit)

    def names(self) -> frozenset[str]:
        """As any place does."""
        with files.reading(self.path):
            return frozenset(path.name for path in self.path.iterdir() if not path.name.startswith("."))

    def require_bundle(self) -> None:
        """Does nothing if there is nothing in it but what a push may have put there, finished or not.

        Raises:
            InvalidValueError: there is something else.
        """
        for name in sorted(self.names()):
            if name not in {bundle.SUMS, bundle.PAGE} and bundle.member(name) is None:
                raise InvalidValueError(
                    f"{printable(self.shown)} holds {printable(name[:120])}, which is none of a bundle's files.",
                    "Name a folder for attributes alone.",
                )

    def write(self, change: Change) -> None:
        """What changes is taken out of the sums first, and comes back into them when it is there."""
        listed = self._listed()
        steady = {
            name: digest for name, digest in listed.items() if name not in change.files and name not in change.gone
        }
        if steady != listed:
            files.replace(self.path / bundle.SUMS, bundle.spelled(steady))
        for name, data in change.files.items():
            files.replace(self.path / name, data)
        files.replace(self.path / bundle.SUMS, bundle.spelled(change.sums))
        with files.reading(self.path):
            for name in change.gone:
                (self.path / name).unlink(missing_ok=True)

    def _listed(self) -> dict[str, str]:
        data = self.read(bundle.SUMS, bundle.MAX_SUMS)
        return {} if data is None else bundle.parsed(data, printable(self.shown))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """While nobody else pushes to a folder; the system lets go of the lock when a process ends, however it ends."""
    with files.reading(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        started = time.monotonic()
        while not _locked(descriptor):
            if time.monotonic() - started > PATIENCE:
                raise BankBusyError(f"Another process is writing to {printable(str(folder))}.", "Try again later.")
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
