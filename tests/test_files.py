"""Files that users name: whole or not at all, and never over somebody else's by accident."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


def test_the_umask_decides_who_may_read(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        files.create(folder / "a.png", b"data")
        files.replace(folder / "b.png", b"data")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o640}
