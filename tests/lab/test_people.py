"""Every attribute is measured on the same held-out people, and only where somebody is fit to be judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.errors import InvalidValueError
from attrbank.store.bank import Bank
from lab.figures import people
from lab.starter_prompts import PAIRS


def test_each_is_measured_on_the_same_people_and_nobody_is_left_out_in_silence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[object, str, object]] = []
    monkeypatch.setattr(people, "held_out", lambda seeds: f"people of {seeds}")
    monkeypatch.setattr(people, "stored", lambda bank, name: (bank.path, name))

    def measure(seen: object, name: str, learned: object) -> dict[str, str] | None:
        asked.append((seen, name, learned))
        return None if name == "hat" else {"of": name}

    (tmp_path / "mine").mkdir()
    found = people.of_each(measure, "10000-10003", tmp_path / "mine", "testing")
    path = Bank.open(tmp_path / "mine").path
    assert asked == [("people of 10000-10003", name, (path, name)) for name in PAIRS]
    assert found["attributes"] == {name: {"of": name} for name in PAIRS if name != "hat"}
    assert found["seeds"] == "10000-10003"


def test_only_judging_seeds_are_held_out() -> None:
    with pytest.raises(InvalidValueError, match="Judging seeds"):
        people.held_out("1000")
