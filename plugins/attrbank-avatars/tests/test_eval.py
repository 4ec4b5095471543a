"""``attrbank eval`` on the package's model, with everything that it has for ``portraits``."""

from __future__ import annotations

import json

import pytest
from attrbank_avatars.goals import GOALS, PROMPTS
from attrbank_avatars.model_folder import FOLDER, describe

from attrbank.plugin import load_plugins, run

SOURCE = "a picture of a person"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bank with *hat*, learned as quickly as it can be."""
    folder = str(tmp_path_factory.mktemp("bank"))
    asked = ["--source", SOURCE, "--target", PROMPTS["hat"], "--seeds", "0-1", "--steps", "2", "--core", "mean"]
    assert run(["learn", "hat", "--backbone", "avatars", *asked, "--bank", folder]) == 0
    return folder


def test_it_registers_a_small_model_with_a_judge_of_its_own() -> None:
    assert load_plugins().has_judge("avatars")
    assert describe("avatars").defaults.prompt == SOURCE
    assert sum(path.stat().st_size for path in FOLDER.parent.rglob("*") if path.is_file()) < 17_000_000


def test_the_model_knows_every_word_that_asks_for_a_goal() -> None:
    vocabulary = (FOLDER / "tokenizer" / "vocab.json").read_text()
    assert set(PROMPTS) == set(GOALS)
    for prompt in PROMPTS.values():
        assert all(f'"{word}</w>"' in vocabulary for word in prompt.replace(",", " ").split())


def test_every_column_is_there(bank: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("attrbank_avatars.judge.lacking", lambda _, view: view.alone | True)  # whatever is drawn
    short = ["--seeds", "10000-10001", "--steps", "2", "--strengths", "1", "--against", "target-prompt"]
    assert run(["eval", "hat", *short, "--bank", bank, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["attributes"]
    assert {curve["competitor"] for curve in found["curves"]} == {"attribute", "target-prompt"}
    for curve in found["curves"]:
        (point,) = curve["points"]
        assert {"success", "effect", "flips", "identity", "perceptual"} <= set(point["figures"])
        assert {"fid", "kid", "diversity"} <= set(point["distances"])
    assert {"success", "flips", "identity", "perceptual"} <= set(found["limit"])


def test_what_the_judge_cannot_see_is_refused(bank: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "hat", "--seeds", "10000", "--goal", "earrings", "--bank", bank]) == 4
    told = capsys.readouterr().err
    assert "cannot tell whether 'earrings' has come" in told
    assert "long-hair" in told
