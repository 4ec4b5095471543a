"""``attrbank eval`` on the package's model, with everything that it has for ``portraits``."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrbank_avatars.goals import GOALS, PROMPTS
from attrbank_avatars.model_folder import FOLDER, describe

from attrbank.attribute.artifact import encode
from attrbank.errors import InvalidValueError
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.plugin import Avi, Bank, complete, learn_attribute, learn_spec, load_plugins

SOURCE = "a picture of a person"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank with *hat*, learned as quickly as it can be."""
    backbone = load_plugins().backbone("avatars")
    spec = learn_spec("hat", [SOURCE], [PROMPTS["hat"]], seeds=(0, 1), steps=2, core="mean")
    learned = learn_attribute(complete(spec, backbone), Avi(), backbone, load_plugins().sampler("ddim"))
    folder = tmp_path_factory.mktemp("bank")
    Bank(folder).add(encode(learned))
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


def test_every_column_is_there(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrbank_avatars.judge.lacking", lambda _, view: view.alone | True)  # whatever is drawn
    request = EvalRequest(
        references=("hat",), seeds=(10_000, 10_001), steps=2, strengths=(1.0,), against=("target-prompt",), bank=bank
    )
    (found,) = evaluate(request).figures.attributes
    assert {curve.competitor for curve in found.curves} == {"attribute", "target-prompt"}
    for curve in found.curves:
        (point,) = curve.points
        assert {"success", "effect", "flips", "identity", "perceptual"} <= set(point.figures)
        assert {"fid", "kid", "diversity"} <= set(point.distances)
    assert {"success", "flips", "identity", "perceptual"} <= set(found.limit)


def test_what_the_judge_cannot_see_is_refused(bank: Path) -> None:
    with pytest.raises(InvalidValueError, match="cannot tell whether 'earrings' has come"):
        evaluate(EvalRequest(references=("hat",), seeds=(10_000,), goal="earrings", bank=bank))
