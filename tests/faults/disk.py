"""What a disk may hold after a power failure, worked out from the calls that were made to it.

What was synchronised is there. Of everything else, any part may have been lost and any other kept, in whatever order it
came: each sector of each write, each change of a file's length, and each entry of a folder, which ``fsync`` of the
folder makes durable. Two things are as on every file system of today: a rename is one change, kept or lost as a whole,
and of the changes to one name a later one is not kept without those before it.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.helpers import stepping
from tests.helpers.stepping import SYNCS, Call

SECTOR = 512

Tree = dict[str, bytes | None]
"""What every path holds; None is a folder."""


class Write(NamedTuple):
    """Bytes that go to a place in a file; None there makes the file end at the place."""

    at: int
    data: bytes | None


class Entry(NamedTuple):
    """Names that come to mean other files, or none, all at once."""

    means: tuple[tuple[str, int | None], ...]


@dataclass
class File:
    """What is surely in a file, and what was written since."""

    durable: bytes = b""
    pending: list[Write] = field(default_factory=list)


FOLDER = -1
"""What a name of a folder means; files have numbers from 0."""


class Disk:
    """A tree of files that learns of calls one after another.

    Args:
        root: its folder, which will be there.
        tree: what is in it, durably.
    """

    def __init__(self, root: Path, tree: Tree) -> None:
        self.root = str(root)
        self.files: list[File] = []
        self.durable: dict[str, int] = {str(root): FOLDER}
        for path, data in tree.items():
            self.durable[path] = FOLDER if data is None else self._new(data)
        self.names: dict[str, int] = dict(self.durable)
        self.pending: list[Entry] = []

    def _new(self, data: bytes = b"") -> int:
        self.files.append(File(data))
        return len(self.files) - 1

    def happened(self, change: Change) -> None:
        """Learns of one call."""
        path = change.path
        if change.name == "open":
            if path not in self.names:
                self._enter((path, self._new()))
            elif change.truncates:
                self.files[self.names[path]].pending.append(Write(0, None))
        elif change.name == "mkdir":
            self._enter((path, FOLDER))
        elif change.name == "unlink":
            self._enter((path, None))
        elif change.name == "link":
            self._enter((change.target, self.names[path]))
        elif change.name == "rename":
            self._enter((path, None), (change.target, self.names[path]))
        elif path in self.names:
            self._written(path, change)

    def _enter(self, *means: tuple[str, int | None]) -> None:
        self.pending.append(Entry(means))
        _apply(self.names, means)

    def _written(self, path: str, change: Change) -> None:
        if self.names[path] == FOLDER:
            self._settle(path)
            return
        file = self.files[self.names[path]]
        if change.name in SYNCS:
            file.durable, file.pending = _patched(file.durable, file.pending), []
        else:
            file.pending += change.writes

    def _settle(self, folder: str) -> None:
        """The entries of one folder are durable now; a rename between two folders is as soon as one of them is."""
        kept = []
        for entry in self.pending:
            if any(os.path.dirname(name) == folder for name, _ in entry.means):
                _apply(self.durable, entry.means)
            else:
                kept.append(entry)
        self.pending = kept

    def after_a_failure(self, chooser: random.Random) -> Tree:
        """One of the trees that may be there when the power is back."""
        often = chooser.choice((0.0, 0.5, 0.9, 1.0))
        names, lost = dict(self.durable), set[str]()
        for entry in self.pending:
            touched = {name for name, _ in entry.means}
            if chooser.random() < often and not touched & lost:
                _apply(names, entry.means)
            else:
                lost |= touched
        contents = [self._after(file, chooser, chooser.choice((0.0, often, 1.0))) for file in self.files]
        return {
            path: None if number == FOLDER else contents[number]
            for path, number in names.items()
            if all(names.get(str(above)) == FOLDER for above in Path(path).parents if str(above) in self.names)
            and path != self.root
        }

    def _after(self, file: File, chooser: random.Random, often: float) -> bytes:
        return _patched(file.durable, [write for write in _sectors(file.pending) if chooser.random() < often])


class Change(NamedTuple):
    """A call that changed something.

    Attributes:
        name: of the call.
        path: what it changed.
        target: where that went.
        writes: what was written.
        truncates: whether an opened file lost what it held.
    """

    name: str
    path: str
    target: str = ""
    writes: tuple[Write, ...] = ()
    truncates: bool = False


def read(call: Call) -> Change:
    """What a call is about to change, read from the memory of who makes it."""
    name, process, given = call.name, call.process, call.arguments
    if name in {"rename", "link"}:
        return Change(name, call.path, stepping.text_at(process, given[1]))
    if name == "open":
        return Change(name, call.path, truncates=bool(given[1] & os.O_TRUNC))
    if name in {"ftruncate", "truncate"}:
        return Change(name, call.path, writes=(Write(given[1], None),))
    if name in {"write", "pwrite"}:
        place = given[3] if name == "pwrite" else _position(process, given[0])
        return Change(name, call.path, writes=(Write(place, stepping.bytes_at(process, given[1], given[2])),))
    if name in {*SYNCS, "mkdir", "unlink"}:
        return Change(name, call.path)
    raise NotImplementedError(name)


def _position(process: int, descriptor: int) -> int:
    with open(f"/proc/{process}/fdinfo/{descriptor}", encoding="ascii") as file:
        return int(file.readline().split()[1])


def _apply(names: dict[str, int], means: tuple[tuple[str, int | None], ...]) -> None:
    for name, number in means:
        if number is None:
            names.pop(name, None)
        else:
            names[name] = number


def _patched(data: bytes, writes: list[Write]) -> bytes:
    patched = bytearray(data)
    for at, new in writes:
        if new is None:
            del patched[at:]
        patched.extend(bytes(max(0, at + len(new or b"") - len(patched))))
        if new:
            patched[at : at + len(new)] = new
    return bytes(patched)


def _sectors(writes: list[Write]) -> list[Write]:
    """Writes cut where sectors of the disk begin."""
    cut = []
    for write in writes:
        if write.data is None:
            cut.append(write)
            continue
        start = write.at
        while start < write.at + len(write.data):
            end = min(start - start % SECTOR + SECTOR, write.at + len(write.data))
            cut.append(Write(start, write.data[start - write.at : end - write.at]))
            start = end
    return cut
