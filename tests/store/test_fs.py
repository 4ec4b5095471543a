from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from attrbank.errors import StorageError
from attrbank.store import _fs


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o002])
def test_published_files_are_read_only_and_respect_the_umask(tmp_path: Path, mask: int) -> None:
    with _umask(mask):
        _fs.publish(tmp_path / "file", b"x")
    assert 0o444 & ~mask == (tmp_path / "file").stat().st_mode & 0o777


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG])
def test_failed_publish_leaves_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_fs.os, call, fail)
    with pytest.raises(StorageError) as caught:
        _fs.publish(tmp_path / "file", b"x")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == []
    assert caught.value.hint


def test_failed_publish_keeps_the_file_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fs.publish(tmp_path / "file", b"before")
    monkeypatch.setattr(_fs.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "")))
    with pytest.raises(StorageError):
        _fs.publish(tmp_path / "file", b"after")
    assert (tmp_path / "file").read_bytes() == b"before"


def test_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fs.os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        _fs.publish(tmp_path / "file", b"x")
    assert os.listdir(tmp_path) == []


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(_fs.os, "write", lambda descriptor, data: write(descriptor, bytes(data[:3])))
    _fs.publish(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the system from now on, in order; of folders that are synchronised, by name."""
    made: list[str] = []

    def record(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: Any) -> Any:
            answer = real(*arguments)
            synced = Path(os.readlink(f"/proc/self/fd/{arguments[0]}")) if name == "fsync" else None
            made.append(f"fsync {synced.name}" if synced and synced.is_dir() else name)
            return answer

        monkeypatch.setattr(_fs.os, name, call)

    for name in ("write", "fsync", "replace", "mkdir"):
        record(name)
    return made


def test_data_is_synchronised_before_the_rename_and_the_folder_after(tmp_path: Path, calls: list[str]) -> None:
    _fs.publish(tmp_path / "file", b"x")
    assert calls == ["write", "fsync", "replace", f"fsync {tmp_path.name}"]


def test_both_folders_are_synchronised_after_a_move(tmp_path: Path, calls: list[str]) -> None:
    """Else the file could be in both after a crash, or in neither."""
    for name in ("objects", "trash"):
        (tmp_path / name).mkdir()
    (tmp_path / "objects" / "file").touch()
    calls.clear()
    assert _fs.move(tmp_path / "objects" / "file", tmp_path / "trash" / "file")
    moved = calls.index("replace")
    assert set(calls[moved + 1 :]) == {"fsync trash", "fsync objects"}


def test_every_folder_made_is_synchronised_in_the_one_above(tmp_path: Path, calls: list[str]) -> None:
    _fs.make_folder(tmp_path / "bank" / "objects")
    assert calls == ["mkdir", f"fsync {tmp_path.name}", "mkdir", "fsync bank"]


def test_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="not a regular file"):
        _fs.read_start(tmp_path / "pipe", 9)


def test_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        _fs.make_folder(tmp_path / "file" / "folder")


def test_reading_a_file_sets_aside_no_more_memory_than_it_holds(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    assert _fs.read_start(tmp_path / "file", 2**60).data == b"text"
    assert _fs.read_start(tmp_path / "file", 2)[:2] == (b"te", 4)
