"""Cards and the matrix: kept beside artifacts, believed only when valid, never lost with the index."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from attrbank.errors import AttrbankError, CorruptArtifactError, IncompatibleError, InvalidValueError, StorageError
from attrbank.schema.measured import Card, Matrix
from attrbank.store import cards, json_files
from attrbank.store.bank import Bank
from attrbank.store.layout import Layout
from tests.helpers.artifacts import artifact, numbered
from tests.helpers.measured import a_card, a_matrix, a_pair


def _card_path(bank: Bank, identity: str) -> Path:
    return bank.path / "cards" / f"{identity}.json"


def _states(bank: Bank) -> dict[str, str]:
    return {finding.item: finding.state for finding in bank.verify()}


def test_what_a_card_says_is_listed_filtered_and_sorted_by(bank: Bank) -> None:
    for name, score in (("a", 0.5), ("b", 0.9), ("c", None)):
        bank.measurements.keep_card(a_card(bank.add(artifact(name)).id, score))
    assert [(entry.name, entry.score) for entry in bank.entries(sort="score:desc")] == [
        ("b", 0.9),
        ("a", 0.5),
        ("c", None),
    ]
    assert [entry.name for entry in bank.entries(sort="score")] == ["a", "b", "c"]
    assert [entry.name for entry in bank.entries(["score>0.6"])] == ["b"]
    assert bank.rows(["usable_low", "usable_high"], ["name=b"]) == [(0.4, 1.3)]
    assert json.loads(bank.rows(["document"], ["name=b"])[0][0])["usable_high"] == 1.3


CALIBRATION = {
    "core": "mean",
    "strengths": [0, 1],
    "raw": [0, 0.8],
    "low": -0.5,
    "high": 1.2,
    "judge": "t",
    "seeds": [1],
}


def test_a_calibration_knows_the_range_better_than_the_card_if_it_is_of_the_core_in_use(bank: Bank) -> None:
    record = {"units": {"mean": 1.0, "mlp": 1.0}, "calibration": CALIBRATION}
    mean, mlp = (bank.add(artifact(core, core=core, **record)) for core in ("mean", "mlp"))
    assert (mean.usable_low, mean.usable_high) == (-0.5, 1.2)
    assert (mlp.usable_low, mlp.usable_high) == (None, None)
    for entry in (mean, mlp):
        bank.measurements.keep_card(a_card(entry.id))
    rows = bank.rows(["name", "score", "usable_low", "usable_high"])
    assert rows == [("mean", 0.9, -0.5, 1.2), ("mlp", 0.9, 0.4, 1.3)]
    assert [entry.name for entry in bank.entries(["usable_low<0"])] == ["mean"]
    assert set(_states(bank).values()) == {"ok"}


def test_a_later_card_takes_the_place_of_an_earlier_one(bank: Bank) -> None:
    entry = bank.add(artifact())
    for score in (0.5, 0.8):
        bank.measurements.keep_card(a_card(entry.id, score))
    assert bank.measurements.card(entry) == a_card(entry.id, 0.8)
    assert bank.resolve("young").score == 0.8


def test_cards_survive_removal_and_the_loss_of_the_index(bank: Bank) -> None:
    entry = bank.add(artifact())
    bank.measurements.keep_card(a_card(entry.id))
    before = bank.resolve("young")
    bank.remove("young")
    assert set(_states(bank).values()) == {"ok"}
    assert bank.restore("young") == before
    (bank.path / "index.db").unlink()
    bank.reindex()
    assert bank.resolve("young").score == before.score


def test_a_starter_attribute_has_the_card_it_came_with_until_the_user_measures_it(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    smile = layered.resolve("smile")
    (starter / "cards").mkdir()
    cards.put_card(Layout(starter), a_card(smile.id, 0.6))
    assert layered.resolve("smile").score == 0.6
    assert layered.measurements.card(smile) == a_card(smile.id, 0.6)
    layered.measurements.keep_card(a_card(smile.id, None))
    assert layered.resolve("smile").score is None
    assert layered.measurements.card(smile) == a_card(smile.id, None)
    assert set(_states(layered).values()) == {"ok"}


def _changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(a_card("0" * 64).model_dump_json()) | changes).encode()


HOSTILE = {
    "empty": b"",
    "no JSON": b"\x80\x04K\x01.",
    "deep": b"[" * 50_000,
    "another attribute's": _changed(id="1" * 64),
    "a path for an id": _changed(id="../../../etc/passwd"),
    "not a number": _changed(usable=[0.4, float("nan")]),
    "infinite": _changed(limit={"perceptual": float("inf")}),
    "unknown field": _changed(command="rm -rf"),
    "too large": _changed(target="x" * cards.MAX_CARD),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_card_that_is_not_valid_is_refused_by_all_and_spoils_nothing(data: bytes, bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    layered.add(artifact())
    smile = layered.resolve("smile")
    for root in (bank.path, starter):
        (root / "cards").mkdir()
        (root / "cards" / f"{smile.id}.json").write_bytes(data.replace(b"0" * 64, smile.id.encode()))
    with pytest.raises(CorruptArtifactError, match="is damaged"):
        layered.measurements.card(smile)
    assert [entry.name for entry in layered.entries()] == ["glasses", "smile", "young"]
    assert sorted(set(_states(layered).values())) == ["corrupt", "ok"]
    layered.reindex()
    assert layered.count() == 3


def test_a_card_of_another_version_is_incompatible(bank: Bank) -> None:
    entry = bank.add(artifact())
    bank.measurements.keep_card(a_card(entry.id))
    path = _card_path(bank, entry.id)
    path.chmod(0o644)
    path.write_bytes(_changed(format_version=2))
    with pytest.raises(IncompatibleError):
        bank.measurements.card(entry)
    assert _states(bank)[f"cards/{path.name}"] == "incompatible"


def test_verify_tells_what_is_wrong_with_cards_and_reindex_mends_it(bank: Bank) -> None:
    ids = {name: bank.add(artifact(name)).id for name in ("gone", "changed")}
    for identity in (*ids.values(), "f" * 64):
        bank.measurements.keep_card(a_card(identity))
    _card_path(bank, ids["gone"]).unlink()
    cards.put_card(Layout(bank.path), a_card(ids["changed"], 0.1))
    (bank.path / "cards" / "notes.txt").touch()
    states = _states(bank)
    assert states[f"cards/{ids['gone']}.json"] == "missing"
    assert states[f"cards/{ids['changed']}.json"] == "misindexed"
    assert states[f"cards/{'f' * 64}.json"] == "orphan"
    assert states["cards/notes.txt"] == "leftover"
    bank.reindex()
    assert {"missing", "misindexed"} & set(_states(bank).values()) == set()
    assert bank.resolve("changed").score == 0.1


def test_an_index_from_before_there_were_cards_is_read_as_it_is_and_brought_up_to_date_by_the_next_write(
    bank: Bank,
) -> None:
    entry = bank.add(artifact())
    with closing(sqlite3.connect(bank.path / "index.db")) as connection, connection:
        connection.execute("DROP TABLE cards")
        for column in ("calibrated_low", "calibrated_high"):
            connection.execute(f"ALTER TABLE artifacts DROP COLUMN {column}")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name LIKE 'm002%'")
        connection.execute("PRAGMA user_version = 1")
    before = (bank.path / "index.db").read_bytes()
    assert bank.resolve("young") == entry
    assert set(_states(bank).values()) == {"ok"}
    assert (bank.path / "index.db").read_bytes() == before
    bank.measurements.keep_card(a_card(entry.id, 0.7))
    assert bank.resolve("young").score == 0.7


def test_a_card_that_cannot_be_written_leaves_the_old_one(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = bank.add(artifact())
    bank.measurements.keep_card(a_card(entry.id, 0.5))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StorageError, match="full"):
            bank.measurements.keep_card(a_card(entry.id, 0.9))
    assert bank.measurements.card(entry) == a_card(entry.id, 0.5)
    assert set(_states(bank).values()) == {"ok"}


def test_a_card_beyond_the_limit_is_not_written(bank: Bank) -> None:
    protocol = a_card("0" * 64).protocol.model_copy(update={"seeds": "1," * cards.MAX_CARD})
    with pytest.raises(InvalidValueError):
        bank.measurements.keep_card(a_card("0" * 64).model_copy(update={"protocol": protocol}))
    assert not bank.path.exists()


def test_the_users_matrix_beats_the_starters_pair_by_pair(bank: Bank, starter: Path) -> None:
    layered, (a, b, c) = Bank(bank.path, starter), ("a" * 64, "b" * 64, "c" * 64)
    cards.put_matrix(Layout(starter), a_matrix(a_pair(a, b, gain=-0.5), a_pair(a, c, gain=-0.4)))
    layered.measurements.keep_matrix(a_matrix(a_pair(a, b, gain=0.0)))
    found = {(pair.of, pair.given): pair.gain.value for pair in layered.measurements.pairs([a, b, c])}
    assert found == {(a, b): 0.0, (a, c): -0.4}
    assert layered.measurements.pairs([a]) == ()
    assert _states(layered)["matrix.json"] == "ok"


def test_a_damaged_matrix_is_named(bank: Bank) -> None:
    bank.add(artifact())
    (bank.path / "matrix.json").write_text('{"pairs": NaN}')
    with pytest.raises(AttrbankError, match=r"matrix\.json"):
        bank.measurements.pairs(["a" * 64])
    assert _states(bank)["matrix.json"] == "corrupt"


@pytest.mark.parametrize(("gain", "high", "bad"), [(-0.5, -0.3, True), (-0.5, 0.1, False), (-0.05, -0.01, False)])
def test_a_pair_is_bad_if_it_surely_costs_enough(gain: float, high: float, bad: bool) -> None:
    assert a_pair("a" * 64, "b" * 64, gain=gain, high=high).bad is bad


def test_models_read_back_what_they_write() -> None:
    assert Card.model_validate_json(json_files.dumped(a_card("0" * 64))) == a_card("0" * 64)
    matrix = a_matrix(a_pair("a" * 64, "b" * 64, gain=0.0))
    assert Matrix.model_validate_json(json_files.dumped(matrix)) == matrix


def test_replaced_versions_have_cards_of_their_own(bank: Bank) -> None:
    old = bank.add(numbered("young", 1))
    bank.measurements.keep_card(a_card(old.id, 0.5))
    bank.add(numbered("young", 2), replace=True)
    assert [entry.score for entry in bank.versions("young")] == [None, 0.5]


def test_a_kill_between_a_card_and_its_row_leaves_the_bank_sound(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = bank.add(artifact())

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("attrbank.store.ledger.write_card", die)
    with pytest.raises(KeyboardInterrupt):
        bank.measurements.keep_card(a_card(entry.id))
    monkeypatch.undo()
    assert all(finding.harmless for finding in bank.verify())
    bank.reindex()
    assert {finding.state for finding in bank.verify()} == {"ok"}
