"""What ``learn`` says of what it found: refused, stored with a warning, or stored."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pytest

import attrbank
from attrbank.errors import InvalidValueError
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli

SHORT = ("--seeds", "0-1", "--steps", "4")


@pytest.fixture
def wordy(tiny_pipeline: Path, tmp_path: Path) -> str:
    """A model that says which words it knows."""
    folder = shutil.copytree(tiny_pipeline, tmp_path / "model")
    (folder / "attrbank.json").write_text(json.dumps({"words": ["a", "person", "old"]}))
    return str(folder)


@pytest.mark.parametrize("target", ["a zebra person", "a person, sad", "A Person zebra"])
def test_a_pair_that_differs_only_in_words_that_the_model_has_never_seen_is_refused_unless_forced(
    target: str, wordy: str, cli: Cli, bank: Bank
) -> None:
    learning = ("learn", "new", "--source", "a person", "--target", target, *SHORT, "--backbone", wordy)
    refused = cli(*learning)
    assert refused.code == 4
    assert "differ only in words that" in refused.err
    assert "It knows: a, old, person." in refused.err
    assert not bank.entries()
    forced = cli(*learning, "--force")
    assert forced.code == 0, forced.err
    assert "warning: two prompts of a pair differ only in words" in forced.err
    assert cli("show", "new").code == 0


def test_one_word_that_it_knows_is_enough(wordy: str, cli: Cli) -> None:
    learning = ("learn", "new", "--source", "a zebra person", "--target", "an old zebra person", *SHORT)
    assert cli(*learning, "--backbone", wordy).code == 0


def test_python_callers_are_refused_and_may_force_it_too(wordy: str, bank: Bank) -> None:
    asked = {"seeds": range(2), "steps": 4, "backbone": wordy, "bank": bank.path}
    with pytest.raises(InvalidValueError, match="has never seen: zebra"):
        attrbank.learn("new", "a person", "a zebra person", **asked)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert attrbank.learn("new", "a person", "a zebra person", **asked, force=True).name == "new"
    assert "has never seen: zebra" in str(caught[0].message)
