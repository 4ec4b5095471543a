"""The store's only way to the file system; every failure leaves as a StorageError and no temporary file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from attrbank import files
from attrbank.errors import StorageError

_FULL = ("the disk is full", "Free some space and try again.")
_QUOTA = ("the disk quota is used up", "Free some space and try again.")
_DENIED = ("permission is denied", "Choose another bank with --bank, or change the permissions.")
_NOT_A_FOLDER = ("a file stands where a folder is needed", "Choose another bank with --bank.")
_REASONS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _QUOTA,
    errno.EFBIG: ("the file is larger than the system allows", "Check the file size limit (ulimit -f)."),
    errno.EROFS: ("the disk is read-only", "Choose another bank with --bank."),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.ENOTDIR: _NOT_A_FOLDER,
    errno.EEXIST: _NOT_A_FOLDER,
    errno.EIO: ("the disk reports an error", "Check the disk; copy the bank to another one while it can be read."),
}


class Chunk(NamedTuple):
    """The beginning of a file, the size of all of it in bytes, and its time of modification in seconds."""

    data: bytes
    size: int
    modified: float


class Stamp(NamedTuple):
    """Which file it is, its size in bytes, and when it was changed and moved, in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


def make_folder(path: Path) -> None:
    """Creates a folder and those above it, durably; one that exists is left alone.

    Raises:
        StorageError: it cannot be created, or a file is in the way.
    """
    if not os.path.isdir(path.parent) and path.parent != path:
        make_folder(path.parent)
    with _storage_errors("create", path):
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
        files.sync_folder(path.parent)


def publish(path: Path, data: bytes) -> None:
    """Writes a read-only file that is, after any crash, either complete or absent.

    The order is the promise: write, fsync, rename, fsync the folder. A file that was there is replaced.

    Raises:
        StorageError: it cannot be written; nothing has changed.
    """
    with _storage_errors("write", path):
        with files.complete(path, data, mode=0o444) as temporary:
            os.replace(temporary, path)
        files.sync_folder(path.parent)


def settle(path: Path) -> None:
    """Makes the entry of a file that another process has just published durable too.

    Raises:
        StorageError: the folder cannot be synchronised.
    """
    with _storage_errors("write", path):
        files.sync_folder(path.parent)


def move(source: Path, target: Path) -> bool:
    """Renames a file durably, over any other, and tells whether it was there to be moved.

    Raises:
        StorageError: it cannot be moved.
    """
    make_folder(target.parent)
    with _storage_errors("move", source):
        try:
            os.replace(source, target)
        except FileNotFoundError:
            return False
        files.sync_folder(target.parent)
        files.sync_folder(source.parent)
    return True


def remove(path: Path) -> None:
    """Deletes a file; one that is gone already is no error.

    Raises:
        StorageError: it cannot be deleted.
    """
    with _storage_errors("delete", path), suppress(FileNotFoundError):
        os.unlink(path)


def read_start(path: Path, limit: int) -> Chunk | None:
    """Up to ``limit`` bytes from the beginning of a regular file; None if there is no such file.

    Raises:
        StorageError: it cannot be read, or is something else than a regular file.
    """
    with _storage_errors("read", path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hang us
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise StorageError(f"{path} is not a regular file.")
            # Python sets as much memory aside as it is asked to read.
            return Chunk(file.read(min(limit, status.st_size)), status.st_size, status.st_mtime)


def stamp(path: Path) -> Stamp | None:
    """What changes whenever a file is written anew or moved; None if there is none.

    Raises:
        StorageError: it cannot be looked at.
    """
    with _storage_errors("read", path):
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return None
        return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def list_folder(path: Path) -> list[Path]:
    """The paths of all that is in a folder, in order; none if there is no such folder.

    Raises:
        StorageError: it cannot be read, or is a file.
    """
    with _storage_errors("read", path):
        try:
            return [path / name for name in sorted(os.listdir(path))]
        except FileNotFoundError:
            return []


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False if there is nothing.

    Raises:
        StorageError: something else than a folder is there, or it cannot be looked at.
    """
    with _storage_errors("open", path):
        try:
            if not stat.S_ISDIR(os.stat(path).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        except FileNotFoundError:
            return False
        return True


@contextmanager
def _storage_errors(action: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        unknown = (error.strerror or "the system refuses", None)
        reason, hint = _REASONS.get(error.errno or 0, unknown)
        raise StorageError(f"Cannot {action} {path}: {reason}.", hint) from error
