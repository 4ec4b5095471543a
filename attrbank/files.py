"""Files outside banks, named by users: each is written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrbank.errors import StorageError
from attrbank.text import printable


def replace(path: Path, data: bytes) -> None:
    """Write a file, in the place of any that is there.

    Raises:
        StorageError: it cannot be written; what was there is as it was.
    """
    with _complete(path, data) as temporary:
        temporary.replace(path)


def create(path: Path, data: bytes) -> bool:
    """Write a file that is not there yet, and tell whether that was so; of several who try, one succeeds.

    Raises:
        StorageError: it cannot be written.
    """
    with _complete(path, data) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            return _take_without_links(temporary, path)
    return True


def _take_without_links(temporary: Path, path: Path) -> bool:
    """On a memory stick the name is first taken by an empty file."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    try:
        temporary.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return True


@contextmanager
def _complete(path: Path, data: bytes) -> Iterator[Path]:
    """A temporary file beside ``path``, complete and on the disk; it is gone afterwards, unless it was moved."""
    temporary = path.with_name(f".attrbank-{os.urandom(8).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    except OSError as error:
        raise StorageError(f"{printable(str(path))} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
