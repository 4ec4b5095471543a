"""Names for directions, by a judge that knows the truth of a toy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from attrbank_pullback.meaning import LEAST, Change, Eyes, Meaning, Request, meanings

from attrbank.plugin import (
    Bank,
    Bench,
    InvalidValueError,
    LearnedAttribute,
    encode,
    learn_attribute,
    learn_spec,
    load_plugins,
    run,
)
from tests.helpers.toy_truth import install_toy

SOURCE, HAT = "a photo of a person", "a photo of a hat"
SEEDS = tuple(range(1000, 1006))


@pytest.fixture(autouse=True)
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(install_toy(tmp_path))
    load_plugins.cache_clear()
    yield
    load_plugins.cache_clear()


@pytest.fixture
def hat() -> LearnedAttribute:
    """An attribute that is called otherwise than what it does."""
    spec = learn_spec("thing", [SOURCE], [HAT], seeds=(0, 1, 2, 3), steps=8, guidance_scale=1.0, core="mean")
    plugins = load_plugins()
    return learn_attribute(spec, plugins.method("avi"), plugins.backbone("toy"), plugins.sampler("ddim"))


@pytest.fixture
def bank(tmp_path: Path, hat: LearnedAttribute, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    Bank(tmp_path / "bank").add(encode(hat))
    return tmp_path / "bank"


@pytest.mark.parametrize(("strength", "name"), [(1.0, "hat"), (-1.0, "-hat"), (0.0, None)])
def test_an_attribute_is_called_after_what_it_changes_most(bank: Path, strength: float, name: str | None) -> None:
    ((entry, seen),) = meanings(Request(references=["thing"], seeds=SEEDS, strength=strength, bank=bank))
    assert (entry.name, seen.name) == ("thing", name)
    if name:
        assert seen.changes[0].goal == "hat"
        assert abs(seen.changes[0].size) > max(LEAST, abs(seen.changes[1].size))
        assert seen.changes[0].agreeing == 1


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ([Change("hat", 2.0, 0.25), Change("old", -0.6, 0.75)], "-old"),  # two people are no name
        ([Change("hat", 2.0, 0.25), Change("old", 0.4, 1.0)], None),
    ],
)
def test_a_name_is_what_changes_in_most_of_the_people(changes: list[Change], name: str | None) -> None:
    assert Meaning(tuple(changes)).name == name


def test_a_size_is_in_spreads_over_the_unedited_people(hat: LearnedAttribute) -> None:
    backbone = load_plugins().backbone("toy")
    bench = Bench(backbone, SOURCE, SEEDS)

    class Judge:
        goals: ClassVar = {"bright": "bright"}

        def look(self, images: torch.Tensor) -> torch.Tensor:
            return images

        def effect(self, subject: object, view: torch.Tensor) -> torch.Tensor:
            return view.flatten(1)[:, 0]

    eyes = Eyes(Judge(), bench)
    before = bench.images(bench.unedited).flatten(1)[:, 0]
    (change,) = eyes.meaning(hat, bench.images(bench.unedited) + 0.25).changes
    assert change.size == pytest.approx(0.25 / float(before.std()), rel=1e-4)


def test_the_command_tells_people_and_programs(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["meaning", "thing", "--seeds", "1000-1005", "--bank", str(bank)]
    assert run(common) == 0
    assert "hat" in capsys.readouterr().out.splitlines()[1]
    assert run([*common, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["name"] == "hat"
    assert told["reference"].startswith("thing@")
    assert {change["goal"] for change in told["changes"]} == {"hat", "old"}


def test_who_cannot_give_a_name_says_so(bank: Path, hat: LearnedAttribute) -> None:
    with pytest.raises(InvalidValueError, match="no spread"):
        list(meanings(Request(references=["thing"], seeds=(1000,), bank=bank)))
    bench = Bench(load_plugins().backbone("toy"), SOURCE, SEEDS)
    with pytest.raises(InvalidValueError, match="sees nothing by a name"):
        Eyes(object(), bench)
