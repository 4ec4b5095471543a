"""One pair becomes several that name on both sides what is to stay as it is."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import attrbank
from attrbank.errors import InvalidValueError
from attrbank.learning.keeping import MOST, multiplied, named, proposed
from attrbank.learning.request import learn_spec
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import PictureFiles, PromptPair
from attrbank.store.bank import Bank
from tests.cli.conftest import (
    Cli,
    bank as bank,  # noqa: PLC0414 — a fixture
    cli as cli,  # noqa: PLC0414
)

PAIR = PromptPair(source="a photo of a person", target="a photo of an old person with a hat")


@pytest.mark.parametrize(
    ("prompt", "word", "expected"),
    [
        ("a photo of a person", "man", "a photo of a man"),
        ("a photo of an old person", "man", "a photo of an old man"),
        ("a photo of a person", "old woman", "a photo of an old woman"),
        ("a photo of a person, a person in a crowd", "Boy", "a photo of a Boy, a person in a crowd"),
        ("an animal in the snow", "dog", "a dog in the snow"),
        ("two figures and a figure", "girl", "two figures and a girl"),
        ("a photo of a person", "smiling", "a photo of a person, smiling"),
        ("a photo of a person with a hat", "without glasses", "a photo of a person with a hat, without glasses"),
        ("a photo of a man, smiling", "smiling", "a photo of a man, smiling"),
        ("a photo of a woman", "man", "a photo of a woman"),
        ("", "smiling", "smiling"),
    ],
)
def test_a_word_is_said_where_such_words_are_said(prompt: str, word: str, expected: str) -> None:
    assert named(prompt, word) == expected


def test_every_combination_is_named_on_both_sides_after_the_pair_itself() -> None:
    first, *others = multiplied([PAIR], ["man,woman", " smiling ,  serious"])
    assert first == PAIR
    assert [pair.source.removeprefix("a photo of a ") for pair in others] == [
        "man, smiling",
        "man, serious",
        "woman, smiling",
        "woman, serious",
    ]
    assert [pair.target.removeprefix("a photo of an old ") for pair in others] == [
        "man with a hat, smiling",
        "man with a hat, serious",
        "woman with a hat, smiling",
        "woman with a hat, serious",
    ]


def test_nothing_to_keep_changes_nothing_and_several_pairs_are_all_multiplied() -> None:
    other = PromptPair(source="a drawing of a person", target="a drawing of an old person")
    assert multiplied([PAIR, other], []) == (PAIR, other)
    assert [pair.source for pair in multiplied([PAIR, other], ["man,woman"])] == [
        *(PAIR.source, other.source),
        *("a photo of a man", "a drawing of a man"),
        *("a photo of a woman", "a drawing of a woman"),
    ]


@pytest.mark.parametrize(
    ("keep", "complaint"),
    [
        (["man,"], "nothing to keep"),
        ([""], "nothing to keep"),
        (["a,b,c,d", "e,f,g", "h,i,j"], "makes 36 pairs"),
        (["smiling,old"], "'old' cannot be kept: it is what the pair changes"),
        (["smiling,with a HAT"], "cannot be kept: it is what the pair changes"),
    ],
)
def test_what_cannot_be_kept_is_refused(keep: list[str], complaint: str) -> None:
    with pytest.raises(InvalidValueError, match=complaint) as refused:
        multiplied([PAIR], keep)
    assert refused.value.hint


def test_as_many_as_may_be_are_no_error() -> None:
    assert len(multiplied([PAIR], ["a,b,c,d", "e,f", "g,h,i,j"])) == 1 + MOST


@pytest.mark.parametrize("target", ["a photo of a man", "a photo of a woman in a hat"])
def test_who_it_is_cannot_be_kept_where_the_pair_says_it(target: str) -> None:
    pair = PromptPair(source="a photo of a person", target=target)
    with pytest.raises(InvalidValueError, match="'man' cannot be kept"):
        multiplied([pair], ["man,woman"])


def test_pictures_name_nothing_to_keep() -> None:
    with pytest.raises(InvalidValueError, match="keep: only with prompts"):
        learn_spec("old", [], [], pictures=[PictureFiles(source="a.png", target="b.png")], keep=["man,woman"])


def test_a_preset_counts_the_pairs_that_come_of_it() -> None:
    spec = learn_spec("old", ["a person"], ["an old person"], keep=["man,woman"], preset="paper")
    assert (len(spec.pairs), spec.seeds) == (3, (0, 1, 2))


def test_what_was_learned_says_from_which_pairs(cli: Cli, bank: attrbank.Bank, tiny_pipeline: Path) -> None:
    pair = ("--source", "a photo of a person", "--target", "a photo of an old person")
    asked = ("--seeds", "0-2", "--steps", "4", "--backbone", str(tiny_pipeline), "--no-preview")
    assert cli("learn", "old", *pair, "--keep", "man,woman", *asked).code == 0
    facts = json.loads(cli("show", "old", "--json").out)
    assert [pair["target"] for pair in facts["record"]["pairs"]] == [
        "a photo of an old person",
        "a photo of an old man",
        "a photo of an old woman",
    ]
    keep = {"keep": ["man,woman"], "seeds": range(3), "steps": 4, "preview": False, "replace": True}
    again = attrbank.learn("old", pair[1], pair[3], **keep, backbone=tiny_pipeline, bank=bank.path)
    assert again.id == facts["id"]


KNOWN = type("Knows", (), {"unknown_words": lambda self, prompt: []})()
PORTRAITS = load_plugins().describe("portraits")


@pytest.mark.parametrize(
    ("target", "proposal"),
    [
        ("a photo of a person with a beard", ["man,woman", "young,old", "smiling,serious"]),
        ("a photo of a person, smiling", ["man,woman", "young,old", "with glasses,without glasses"]),
        ("a photo of an old person", ["man,woman", "smiling,serious", "with glasses,without glasses"]),
        ("a photo of a man", []),
    ],
)
def test_one_pair_is_proposed_to_name_what_it_leaves_open(target: str, proposal: list[str]) -> None:
    pair = PromptPair(source="a photo of a person", target=target)
    assert proposed(pair, PORTRAITS, 64) == proposal
    assert len(multiplied([pair], proposal)) == (1 + 2 ** len(proposal) if proposal else 1)


def test_words_that_the_model_has_never_seen_are_not_proposed() -> None:
    class Knows:
        def unknown_words(self, prompt: str) -> list[str]:
            return [word for word in prompt.split() if word in ("young", "serious")]

    assert proposed(PAIR, Knows(), 64) == ["man,woman", "with glasses,without glasses"]


def test_no_more_combinations_are_proposed_than_there_are_seeds() -> None:
    for seeds, groups in ((1, 0), (3, 1), (5, 2), (8, 2), (9, 3)):
        assert len(proposed(PromptPair(source="a person", target="a person with a beard"), KNOWN, seeds)) == groups


def test_where_nobody_is_a_person_nothing_is_proposed() -> None:
    assert proposed(PromptPair(source="a dog", target="a sleepy dog"), KNOWN, 64) == []


def test_the_command_line_proposes_the_whole_command_which_works(cli: Cli, bank: Bank, tiny_pipeline: Path) -> None:
    learn = ["learn", "beard", "--source", "a person", "--target", "a person with a beard", "--seeds", "0-2"]
    learn += ["--steps", "4", "--no-preview", "--force", "--backbone", str(tiny_pipeline)]
    first = cli(*learn)
    (line,) = [line for line in first.err.splitlines() if "keeps it out: " in line]
    words = shlex.split(line.partition("keeps it out: ")[2])
    assert words == ["attrbank", *learn, "--keep", "man,woman", "--replace"]
    again = cli(*words[1:])
    assert again.code == 0, again.err
    assert "keeps it out" not in again.err
    assert len(bank.record(bank.resolve("beard")).pairs) == 3
