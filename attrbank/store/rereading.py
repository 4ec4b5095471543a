"""Files that are read while others may change them, and a second time only where they have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from attrbank.store import _fs

Found = TypeVar("Found")


class Rereader(Generic[Found]):
    """Reads files, and remembers what it found in each until the file is another.

    Args:
        read: what a file tells.
    """

    def __init__(self, read: Callable[[Path], Found]) -> None:
        self._read = read
        self._found: dict[Path, tuple[_fs.Stamp | None, Found]] = {}

    def __call__(self, path: Path) -> Found:
        """What a file tells, as of now.

        Raises:
            StorageError: it cannot be looked at.
        """
        stamp = _fs.stamp(path)  # before it is read, so that what changes meanwhile is read again
        before = self._found.get(path)
        if before and before[0] == stamp:
            return before[1]
        found = self._read(path)
        self._found[path] = stamp, found
        return found
