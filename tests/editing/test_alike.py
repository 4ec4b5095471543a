"""The nearest are those of an exhaustive search, by the artifacts and not by what was kept of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attrbank.attribute import sketches
from attrbank.editing import alike
from attrbank.editing.alike import Alike, Group, Nearest, duplicates, merit, similar
from attrbank.editing.directions import makers
from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from tests.helpers.artifacts import RECORD, object_path, pointing, snapshot, usable
from tests.helpers.measured import a_card

NUMBER = 60


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Bank(tmp_path / "bank")


@pytest.fixture
def vectors() -> np.ndarray[Any, Any]:
    """A few families, some members of which are opposites."""
    generator = np.random.default_rng(1)
    families = generator.standard_normal((6, 64))
    made = families[np.arange(NUMBER) % 6] + 0.7 * generator.standard_normal((NUMBER, 64))
    return made * np.where(np.arange(NUMBER) % 5, 1, -1)[:, None]


@pytest.fixture
def stocked(bank: Bank, vectors: np.ndarray[Any, Any]) -> Bank:
    for number, vector in enumerate(vectors):
        bank.add(pointing(f"a{number:02}", vector.tolist()))
    return bank


def nearest(bank: Bank, name: str, limit: int = 10) -> tuple[Nearest, list[str]]:
    """What is found, and what is warned of."""
    warnings: list[str] = []
    found = similar(bank, bank.resolve(name), limit, on_progress=lambda *_: None, on_warning=warnings.append)
    return found, warnings


def groups(bank: Bank, above: float = 0.95) -> list[Group]:
    return list(duplicates(bank, above, on_progress=lambda *_: None, on_warning=lambda _: None))


def names(found: tuple[Alike, ...]) -> list[str]:
    return [one.entry.name for one in found]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the attributes whose artifacts were opened."""
    said: list[str] = []
    open_artifact: Callable[[Bank, Entry], Any] = Bank.artifact

    def opening(bank: Bank, entry: Entry) -> Any:
        said.append(entry.name)
        return open_artifact(bank, entry)

    monkeypatch.setattr(Bank, "artifact", opening)
    return said


def test_the_nearest_are_those_of_an_exhaustive_search(stocked: Bank, vectors: np.ndarray[Any, Any]) -> None:
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    for asked in range(0, NUMBER, 7):
        cosines = units @ units[asked]
        order = [n for n in np.argsort(-np.abs(cosines)) if n != asked]
        expected = sorted(order[:8], key=lambda n: -cosines[n])
        found, warnings = nearest(stocked, f"a{asked:02}", 8)
        assert names(found.found) == [f"a{n:02}" for n in expected]
        assert [one.cosine for one in found.found] == pytest.approx([cosines[n] for n in expected], abs=1e-6)
        assert abs(cosines[order[8]]) - 1e-6 <= found.others <= 1
        assert (found.compared, warnings) == (NUMBER - 1, [])
    assert found.found[-1].cosine < -0.5  # an opposite


def test_afterwards_only_the_nearest_are_opened(stocked: Bank, opened: list[str]) -> None:
    nearest(stocked, "a03")
    assert len(opened) >= NUMBER
    opened.clear()
    found, _ = nearest(stocked, "a03", 3)
    assert len(opened) < NUMBER / 2
    assert set(names(found.found)) <= set(opened)
    opened.clear()
    stocked.add(pointing("new", [1.0]))
    nearest(stocked, "a03", 3)
    assert len(opened) < NUMBER / 2
    assert "new" in opened


def test_figures_come_from_the_artifacts_whatever_was_kept(stocked: Bank) -> None:
    """Somebody else's sketches can hide an attribute, and let none look like what it is not."""
    before, first = (nearest(stocked, "a03", limit)[0] for limit in (NUMBER, 5))
    path = sketches.path_for(stocked.path)
    rows = sketches.load(path, makers()).copy()
    rows["sketch"] = np.roll(rows["sketch"], 1, axis=0)
    assert sketches.keep(path, makers(), rows)
    assert nearest(stocked, "a03", NUMBER)[0] == before
    sketches.keep(path, "another version", rows)
    assert nearest(stocked, "a03", 5)[0] == first
    path.write_bytes(b"x")
    assert nearest(stocked, "a03", 5)[0] == first


def test_a_claim_that_something_is_comparable_is_checked(stocked: Bank) -> None:
    stocked.add(pointing("elsewhere", [1.0], backbone=RECORD["backbone"] | {"fingerprint": "f" * 16}))
    assert nearest(stocked, "a03")[0].compared == NUMBER - 1
    path = sketches.path_for(stocked.path)
    rows = sketches.load(path, makers()).copy()
    rows["space"] = rows["space"][rows["id"] == stocked.resolve("a03").id.encode()]
    sketches.keep(path, makers(), rows)
    found, _ = nearest(stocked, "a03", NUMBER)
    assert found.compared == NUMBER
    assert len(found.found) == NUMBER - 1
    assert "elsewhere" not in names(found.found)


def test_no_more_than_so_many_are_opened_and_what_may_be_missed_is_told(
    stocked: Bank, opened: list[str], vectors: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike, "MOST_OPENED", 4)
    nearest(stocked, "a03", 2)
    opened.clear()
    found, _ = nearest(stocked, "a03", 2)
    assert len(opened) <= 5
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    missed = [n for n in range(NUMBER) if f"a{n:02}" not in {"a03", *names(found.found)}]
    assert np.abs(units[missed] @ units[3]).max() <= found.others


def test_nothing_of_the_bank_is_changed_and_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    stocked: Bank, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file")
    before = snapshot(stocked.path)
    found, warnings = nearest(stocked, "a03")
    assert len(found.found) == 10
    assert len(warnings) == 1
    assert "could not be kept" in warnings[0]
    assert snapshot(stocked.path) == before
    (tmp_path / "cache").unlink()
    nearest(stocked, "a03")
    assert snapshot(stocked.path) == before


def test_what_is_damaged_is_left_out_and_back_when_it_is_mended(stocked: Bank) -> None:
    path = object_path(stocked, stocked.resolve("a09").id)
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:-1] + b"x")
    found, warnings = nearest(stocked, "a03", NUMBER)
    assert "a09" not in names(found.found)
    assert any(warning.startswith("a09@") for warning in warnings)
    path.write_bytes(whole)
    found, warnings = nearest(stocked, "a03", NUMBER)
    assert "a09" in names(found.found)
    assert warnings == []


def test_what_was_removed_is_not_found_again(stocked: Bank) -> None:
    first = names(nearest(stocked, "a03")[0].found)[0]
    stocked.remove(first)
    assert first not in names(nearest(stocked, "a03", NUMBER)[0].found)


def test_what_has_no_direction_is_refused_and_among_others_passed_over(stocked: Bank, opened: list[str]) -> None:
    paper = {"vectors": "paper", "core": None, "rank": None, "units": {}, "paper": {"k": 2}}
    stocked.add(usable("paper", **paper))
    with pytest.raises(IncompatibleError, match="paper cannot be compared"):
        nearest(stocked, "paper")
    found, warnings = nearest(stocked, "a03", 2 * NUMBER)
    assert found.compared == NUMBER - 1
    assert warnings == []
    opened.clear()
    nearest(stocked, "a03", 1)
    assert "paper" not in opened


def at(degrees: float) -> list[float]:
    return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]


def test_each_that_goes_is_near_to_the_one_that_stays(bank: Bank) -> None:
    """Not only to another that goes: a chain of small steps leads anywhere."""
    for name, degrees in (("a", 0), ("b", 15), ("c", 30), ("d", 45), ("opposite", 180), ("alone", 90)):
        bank.add(pointing(name, at(degrees)))
    bank.measurements.keep_card(a_card(bank.resolve("b").id))
    found = groups(bank, float(np.cos(np.radians(16))))
    assert [(group.keep.name, sorted(names(group.others))) for group in found] == [("b", ["a", "c"])]
    assert [one.cosine for one in found[0].others] == pytest.approx([np.cos(np.radians(15))] * 2)
    assert [group.keep.name for group in groups(bank, float(np.cos(np.radians(46))))] == ["b"]
    assert groups(bank, 1.0) == []


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"score": 0.9}, {"score": None, "seeds": "0-999"}),
        ({"score": 0.9}, {"score": 0.8, "seeds": "0-999"}),
        ({"seeds": "0-63"}, {"seeds": "0-62", "created": "2027-01-01T00:00:00.000+00:00"}),
        ({"created": "2026-02-01T00:00:00.000+00:00"}, {"created": "2026-01-31T00:00:00.000+00:00"}),
        ({"created": "2026-02-01T00:00:00.000+00:00"}, {"created": None}),
        ({"name": "a"}, {"name": "b"}),
    ],
)
def test_the_one_to_keep_is_the_better_one(bank: Bank, better: dict[str, Any], worse: dict[str, Any]) -> None:
    entry = bank.add(pointing("m", [1.0]))
    facts = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    assert merit(Entry(**facts | better)) < merit(Entry(**facts | worse))


def test_twins_are_found_among_many_and_nothing_else(stocked: Bank, vectors: np.ndarray[Any, Any]) -> None:
    for number in (4, 40):
        stocked.add(pointing(f"twin-{number}", (3.0 * vectors[number] + 0.01).tolist()))
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    assert np.max((units @ units.T)[np.triu_indices(NUMBER, 1)]) < 0.95, "or the test would ask for the wrong thing"
    found = {frozenset([group.keep.name, *names(group.others)]) for group in groups(stocked)}
    assert found == {frozenset({"a04", "twin-4"}), frozenset({"a40", "twin-40"})}


def test_twins_are_twins_by_their_artifacts(stocked: Bank) -> None:
    assert groups(stocked) == []
    path = sketches.path_for(stocked.path)
    rows = sketches.load(path, makers()).copy()
    rows["sketch"] = rows["sketch"][0]
    sketches.keep(path, makers(), rows)
    assert groups(stocked) == []


@pytest.mark.parametrize("above", [0.0, -0.5, 1.01, float("nan")])
def test_a_bound_that_is_none_is_refused(bank: Bank, above: float) -> None:
    with pytest.raises(InvalidValueError, match="no cosine"):
        groups(bank, above)
