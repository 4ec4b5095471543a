"""Sketches guess cosines as well as they claim, are the same everywhere, and are never believed once damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from attrbank.attribute.sketches import NUMBERS, ROW, keep, load, path_for, reach, sketched


def pair(generator: np.random.Generator, n: int, cosine: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two directions of a cosine."""
    one, other = np.linalg.qr(generator.standard_normal((n, 2)))[0].T
    return one, cosine * one + np.sqrt(1 - cosine**2) * other


@pytest.mark.parametrize("cosine", [-0.95, 0.0, 0.4, 0.99])
@pytest.mark.parametrize("n", [513, 514, 1024, 4096])
def test_a_guess_is_off_as_little_as_is_claimed(n: int, cosine: float) -> None:
    generator = np.random.default_rng(0)
    pairs = [pair(generator, n, cosine) for _ in range(200)]
    guesses = np.array([float(sketched(one) @ sketched(other)) for one, other in pairs])
    assert np.all(np.abs(guesses - cosine) <= reach(guesses))
    claimed = (1 - cosine**2) / np.sqrt(NUMBERS)
    assert np.std(guesses) < 1.15 * claimed
    assert abs(np.mean(guesses) - cosine) < 0.3 * claimed
    if n == 4096:  # and it is a guess
        assert np.std(guesses) > 0.7 * claimed


@pytest.mark.parametrize("n", [1, 16, 512])
def test_what_is_small_is_kept_as_it_is(n: int) -> None:
    one, other = np.random.default_rng(0).standard_normal((2, n))
    exact = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert float(sketched(one) @ sketched(other)) == pytest.approx(exact, abs=1e-6)


def test_a_sketch_is_the_same_on_every_machine() -> None:
    sketch = sketched(np.arange(1.0, 1025.0))
    assert sketch[[0, 1, 255, 256, 511]] == pytest.approx(
        [0.0839891, 0.0123486, 0.0326929, 0.0208459, -0.060971], abs=1e-5
    )
    assert np.linalg.norm(sketch) == pytest.approx(1)


@pytest.fixture
def rows() -> NDArray[np.void]:
    made = np.zeros(3, ROW)
    made["id"] = [character * 64 for character in "abc"]
    made["space"] = [1, 2, 0]
    made["sketch"] = np.random.default_rng(0).standard_normal((3, NUMBERS))
    return made


def test_what_is_kept_comes_back_to_those_who_made_it(rows: NDArray[np.void], tmp_path: Path) -> None:
    path = tmp_path / "new" / "sketches.bin"
    assert keep(path, "attrbank 1", rows)
    assert np.array_equal(load(path, "attrbank 1"), rows)
    assert len(load(path, "attrbank 2")) == 0
    assert len(load(tmp_path / "nowhere", "attrbank 1")) == 0


def test_what_is_damaged_is_as_good_as_not_there(rows: NDArray[np.void], tmp_path: Path) -> None:
    path = tmp_path / "sketches.bin"
    keep(path, "x", rows)
    whole = path.read_bytes()
    places = [0, 31, 32, 63, 64, 200, len(whole) - 1]
    spoiled = [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in places]
    for data in (*spoiled, whole[:-1], whole[: -ROW.itemsize], whole + b"\0", whole[:40], b""):
        path.write_bytes(data)
        assert len(load(path, "x")) == 0


def test_something_else_in_its_place_is_not_waited_for(rows: NDArray[np.void], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    assert len(load(tmp_path / "pipe", "x")) == len(load(tmp_path / "folder", "x")) == 0
    assert not keep(tmp_path / "folder", "x", rows)
    (tmp_path / "file").touch()
    assert not keep(tmp_path / "file" / "sketches.bin", "x", rows)


def test_every_bank_has_its_own_wherever_it_is_called_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "bank")
    here = {path_for(Path(bank)) for bank in ("bank", str(tmp_path / "bank"), "link")}
    assert len(here) == 1
    assert here != {path_for(Path("other"))}
    assert here.pop().is_relative_to(tmp_path / "cache" / "attrbank")
