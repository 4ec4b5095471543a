"""Files that are written whole or not at all, and the folders of the user in which they lie.

``replace`` and ``create`` are for files that users name. Banks, which promise more, are built from ``complete`` and
``sync_folder``, which raise the system's own errors.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from attrbank.errors import StorageError
from attrbank.text import printable

TEMPORARY_SUFFIX = ".tmp"

GRACE = 3600.0
"""Seconds for which a temporary file may still belong to a running write."""


def replace(path: Path, data: bytes) -> None:
    """Write a file, in the place of any that is there.

    Raises:
        StorageError: it cannot be written; what was there is as it was.
    """
    with _storage_errors(path), complete(path, data) as temporary:
        os.replace(temporary, path)
    _settle(path)


def create(path: Path, data: bytes) -> bool:
    """Write a file that is not there yet, and tell whether that was so; of several who try, one succeeds.

    Raises:
        StorageError: it cannot be written.
    """
    with _storage_errors(path), complete(path, data) as temporary:
        try:
            _take(temporary, path)
        except FileExistsError:
            return False
    _settle(path)
    return True


def make_folder(path: Path) -> None:
    """Create a folder and those above it, durably; one that is there is left alone.

    Raises:
        StorageError: it cannot be created.
    """
    with _storage_errors(path, "created"):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        _settle(folder)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Where a file or a folder is read, the system's refusals become sentences.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"Cannot read {printable(str(path))}: {error.strerror}.") from error


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, without a byte order mark.

    Raises:
        OSError: it cannot be read, or is no regular file: at a pipe one would wait for ever.
        UnicodeDecodeError: it is other than UTF-8.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "It is no regular file")
    return path.read_text(encoding="utf-8-sig")


@contextmanager
def complete(path: Path, data: bytes, mode: int = 0o666) -> Iterator[Path]:
    """A temporary file beside ``path``, complete and on the disk; it is gone afterwards, unless it was moved.

    Args:
        path: where it is to go.
        data: what it holds.
        mode: its permissions, of which the umask takes some away.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".attrbank-{os.urandom(8).hex()}{TEMPORARY_SUFFIX}")
    try:
        _write(temporary, data, mode)
        yield temporary
    finally:
        with suppress(OSError):
            os.unlink(temporary)


@contextmanager
def streaming(path: Path, *, over: bool = False) -> Iterator[IO[bytes]]:
    """A file to be written piece by piece, which is there under its name when all of it is, and else not at all.

    Args:
        path: where it is to go.
        over: it may take the place of a file that is there.

    Raises:
        StorageError: it cannot be written, or a file is there already.
    """
    with _storage_errors(path), complete(path, b"") as temporary:
        with open(temporary, "r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if over:
            os.replace(temporary, path)
        else:
            _take(temporary, path)
    _settle(path)


def sweep(folder: Path) -> None:
    """Remove what killed runs have left unfinished in a folder, if it is too old to be at work still."""
    with suppress(OSError):
        for path in folder.glob(f".attrbank-*{TEMPORARY_SUFFIX}"):
            if time.time() - path.lstat().st_mtime > GRACE:
                path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make durable what was created in a folder, moved into it or out of it.

    Raises:
        OSError: the folder cannot be synchronised.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def user_folder(kind: Literal["data", "config", "cache"]) -> Path:
    """Where the user keeps attrbank's data or configuration, or what may be thrown away at any time.

    ``XDG_DATA_HOME``, ``XDG_CONFIG_HOME`` and ``XDG_CACHE_HOME`` count on every platform, if they are absolute as their
    specification asks.
    """
    base = os.environ.get(f"XDG_{kind.upper()}_HOME", "")
    if os.path.isabs(base):
        return Path(base, "attrbank")
    import platformdirs

    return Path(getattr(platformdirs, f"user_{kind}_path")("attrbank", appauthor=False))


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take(temporary: Path, path: Path) -> None:
    """Gives a file its name if that is free; on a memory stick, which has no links, an empty file takes it first."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        path.touch(exist_ok=False)
        try:
            os.replace(temporary, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _settle(path: Path) -> None:
    """The file is there; its name is made durable where the system can do that, which not every one can."""
    with suppress(OSError):
        sync_folder(path.parent)


@contextmanager
def _storage_errors(path: Path, what: str = "written") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{printable(str(path))} cannot be {what}: {error.strerror}.") from error
