"""Files and folders that are read while others may change them, and a second time only where they have.

The files of a bank are never written in place but moved there, so a folder in which nothing was made, moved or removed
holds what it held.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from attrbank.store import _fs

Found = TypeVar("Found")

SETTLED = 2.0
"""Seconds after which a change would show: clocks of file systems are coarse, and two changes may bear one time."""


class Rereader(Generic[Found]):
    """Reads files or folders, and remembers what it found in each until that is another.

    Args:
        read: what a file or folder tells.
    """

    def __init__(self, read: Callable[[Path], Found]) -> None:
        self._read = read
        self._found: dict[Path, tuple[_fs.Stamp | None, Found]] = {}

    def __call__(self, path: Path) -> Found:
        """What a file or folder tells, as of now.

        Raises:
            StorageError: it cannot be looked at.
        """
        stamp = _fs.stamp(path)  # before it is read, so that what changes meanwhile is read again
        before = self._found.get(path)
        if before and before[0] == stamp:
            return before[1]
        found = self._read(path)
        if stamp is None or time.time() - stamp.modified / 1e9 > SETTLED:
            self._found[path] = stamp, found
        return found
