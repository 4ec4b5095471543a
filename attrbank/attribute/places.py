"""Where bundles are kept: a folder, a repository of the hub, or an address that a web server answers for."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from attrbank import files
from attrbank.attribute import bundle
from attrbank.errors import BankBusyError, CorruptArtifactError, InvalidValueError, NotFoundError
from attrbank.store import json_files
from attrbank.text import printable

PATIENCE = 30.0
"""Seconds to wait for another who is writing to the same folder."""

_HUB = re.compile(r"hf://(?P<repository>[\w.-]{1,96}/[\w.-]{1,96})(@(?P<revision>[\w./-]{1,200}))?", re.ASCII)
_WEB = re.compile(r"https?://", re.IGNORECASE)


class Change(NamedTuple):
    """What becomes of a bundle.

    Attributes:
        files: new or changed ones, the page for people included.
        gone: names of files that are to go.
        sums: of all that is in the bundle afterwards.
    """

    files: Mapping[str, bytes]
    gone: frozenset[str]
    sums: bundle.Sums


class Place(Protocol):
    """Where a bundle can be had from."""

    @property
    def shown(self) -> str:
        """The place in the words of the user, with the revision if it has any: always the same bytes, then."""

    def read(self, name: str, limit: int) -> bytes | None:
        """A file of at most ``limit`` bytes; None if there is none.

        Raises:
            CorruptArtifactError: it is larger.
            NotFoundError: the place cannot be reached.
            StorageError: it cannot be read.
        """


class WritablePlace(Place, Protocol):
    """Where a bundle can be put."""

    def names(self) -> frozenset[str]:
        """Of all files there, those that a killed push has not yet listed or already struck out included.

        Raises:
            StorageError: they cannot be read.
        """

    def write(self, change: Change) -> None:
        """Change a bundle, durably. Whoever reads meanwhile, or after a kill, finds no file that its sum belies.

        Raises:
            AttrbankError: it cannot be written, or somebody else has just written to it.
        """


def source(text: str) -> Place:
    """Where to pull from.

    Raises:
        NotFoundError: there is no such place, or it cannot be reached.
        InvalidValueError: it is malformed.
    """
    if _WEB.match(text):
        from attrbank.attribute.web import Web

        return Web.at(text)
    if text.startswith("hf://"):
        from attrbank.attribute.hub import Hub

        return Hub.at(*_repository(text))
    folder = Folder(Path(text))
    if not folder.path.is_dir():
        raise NotFoundError(f"There is no folder {printable(text)}.", "The hub is hf://OWNER/NAME, the web https://…")
    return folder


@contextmanager
def target(text: str, *, private: bool = False) -> Iterator[WritablePlace]:
    """Where to push to; it is made if need be, and a folder belongs to us alone meanwhile.

    Args:
        text: as the user has it.
        private: nobody else may see a repository that is made.

    Raises:
        InvalidValueError: it is malformed, or cannot be pushed to, or holds something else than a bundle.
        BankBusyError: somebody else is writing to the folder.
        StorageError: it cannot be made.
    """
    if _WEB.match(text):
        raise InvalidValueError(
            f"{printable(text[:200])} can only be pulled from.", "Push to a folder, and let a web server hand it out."
        )
    if text.startswith("hf://"):
        from attrbank.attribute.hub import Hub

        yield Hub.to(*_repository(text), private=private)
        return
    folder = Folder(Path(text))
    files.make_folder(folder.path)
    with _alone_in(folder.path):
        folder.require_bundle()
        files.sweep(folder.path)
        yield folder


def _repository(text: str) -> tuple[str, str | None]:
    found = _HUB.fullmatch(text)
    if not found or ".." in text or "--" in found["repository"]:
        raise InvalidValueError(f"{text[:200]!a} is no repository.", "Write hf://OWNER/NAME or …/NAME@REVISION.")
    return found["repository"], found["revision"]


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
def _alone_in(folder: Path) -> Iterator[None]:
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


def require(place: Place, name: str, limit: int) -> bytes:
    """A file that must be there.

    Raises:
        CorruptArtifactError: it is not, or too large.
        AttrbankError: the place cannot be reached or read.
    """
    data = place.read(name, limit)
    if data is None:
        raise CorruptArtifactError(f"{printable(place.shown)} is damaged: {name} is missing.", "Get it again.")
    return data
