"""Files that users name: whole or not at all, and never over somebody else's by accident."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest

from attrbank import files
from attrbank.errors import StorageError


def refuse(*_: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.fixture(params=["links", "no links"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, also on a file system that has no hard links."""
    if request.param == "no links":
        monkeypatch.setattr(os, "link", refuse)
    return tmp_path


def test_a_file_is_created_once_and_replaced_at_will(folder: Path) -> None:
    path = folder / "a.png"
    assert files.create(path, b"first")
    assert not files.create(path, b"second")
    assert path.read_bytes() == b"first"
    files.replace(path, b"third")
    assert path.read_bytes() == b"third"
    assert os.listdir(folder) == ["a.png"]


def test_a_dangling_link_is_a_name_that_is_taken(folder: Path) -> None:
    (folder / "a.png").symlink_to(folder / "nowhere")
    assert not files.create(folder / "a.png", b"data")
    assert os.listdir(folder) == ["a.png"]


def test_of_many_who_want_a_name_one_gets_it(folder: Path) -> None:
    barrier = threading.Barrier(8)

    def attempt(number: int) -> bytes | None:
        data = bytes([number]) * 100_000
        barrier.wait()
        return data if files.create(folder / "a.png", data) else None

    with ThreadPoolExecutor(8) as pool:
        winners = [data for data in pool.map(attempt, range(8)) if data]
    assert winners == [(folder / "a.png").read_bytes()]
    assert os.listdir(folder) == ["a.png"]


@pytest.mark.parametrize(
    ("write", "failing"),
    [
        (files.create, ["fsync"]),
        (files.create, ["link", "replace"]),
        (files.replace, ["fsync"]),
        (files.replace, ["replace"]),
    ],
)
def test_what_cannot_be_finished_leaves_nothing_behind(
    write: Callable[[Path, bytes], object], failing: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in failing:
        monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StorageError, match="not permitted"):
        write(tmp_path / "a.png", b"data")
    assert os.listdir(tmp_path) == []


def test_what_a_killed_run_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in (".attrbank-00.tmp", ".attrbank-11.tmp", "mine.tmp"))
    for path in (old, new, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (0, 0))
    files.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == [new, other]
    files.sweep(tmp_path / "nowhere")


def test_the_umask_decides_who_may_read(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        files.create(folder / "a.png", b"data")
        files.replace(folder / "b.png", b"data")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o640}


def _record(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """The calls of ``os`` to come, in order; an fsync says what it synchronises."""
    calls: list[str] = []

    def recorded(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            is_folder = name == "fsync" and os.path.isdir(f"/proc/self/fd/{arguments[0]}")
            calls.append(f"{name} folder" if is_folder else name)
            return real(*arguments)

        return call

    for name in names:
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    return calls


@pytest.mark.parametrize(("write", "moves"), [(files.create, "link"), (files.replace, "replace")])
def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_before_the_call_returns(
    write: Callable[[Path, bytes], object], moves: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = _record(monkeypatch, "write", "fsync", moves)
    write(tmp_path / "a.png", b"data")
    assert calls == ["write", "fsync", moves, "fsync folder"]


def test_a_folder_is_in_the_one_above_it_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = _record(monkeypatch, "mkdir", "fsync")
    for _ in range(2):  # the second time it is there
        files.make_folder(tmp_path / "pack" / "young")
    assert calls.count("fsync folder") == 2


def test_a_folder_that_cannot_be_synchronised_fails_no_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "sync_folder", refuse)
    files.replace(tmp_path / "a.png", b"data")
    assert (tmp_path / "a.png").read_bytes() == b"data"


@pytest.mark.parametrize(
    ("kind", "variable"),
    [("data", "XDG_DATA_HOME"), ("config", "XDG_CONFIG_HOME"), ("cache", "XDG_CACHE_HOME")],
)
def test_the_users_folders_follow_the_specification(
    kind: Literal["data", "config"], variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    assert files.user_folder(kind) == tmp_path / "attrbank"
    monkeypatch.setenv(variable, "relative")
    assert files.user_folder(kind).is_absolute()


def test_text_is_read_from_regular_files_alone_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    marked, pipe = tmp_path / "marked", tmp_path / "pipe"
    marked.write_bytes(b"\xef\xbb\xbf{}")
    assert files.read_text(marked) == "{}"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no regular file"):  # and does not wait for a writer
        files.read_text(pipe)
    with pytest.raises(FileNotFoundError):
        files.read_text(tmp_path / "missing")
