"""Captions: true, in the tokenizer's words, short enough, and now and then bare or empty."""

from __future__ import annotations

import random

import pytest

from lab.avatars.captions import MAX_TOKENS, Description, build_tokenizer, caption, describe, words
from lab.avatars.cutouts import Cutouts
from lab.avatars.examples import QUESTIONS, answers
from lab.avatars.scenes import draw_scenes
from lab.avatars.truth import about_people, about_picture


@pytest.fixture(scope="module")
def described(cutouts: Cutouts) -> list[tuple[Description, dict[str, str], list[dict[str, str]]]]:
    rng, found = random.Random(0), []
    for scene in draw_scenes(cutouts, 1500, 3):
        picture, people = about_picture(scene, cutouts.figures), about_people(scene, cutouts.figures)
        found.append((describe(picture, people, rng), picture, people))
    return found


def test_captions_say_what_is_true(described) -> None:
    for description, picture, people in described:
        assert description.picture.items() <= picture.items()
        for said, truth in zip(description.people, people, strict=False):
            assert said.items() <= truth.items()


def test_every_word_is_a_token_and_captions_fit(described) -> None:
    tokenizer, known = build_tokenizer(), {*words(), ","}
    for description, *_ in described:
        tokens = tokenizer.tokenize(description.text)
        assert {token.removesuffix("</w>") for token in tokens} <= known, description.text
        assert len(tokens) + 2 <= MAX_TOKENS


def test_some_are_empty_and_some_are_bare(described) -> None:
    texts = [description.text for description, *_ in described]
    bare = {"a picture of a person", "a drawing of a person", "an image of two people", "two people"}
    assert 0.07 < texts.count("") / len(texts) < 0.13
    assert bare <= set(texts)


def test_two_people_are_told_apart() -> None:
    text = caption(
        {"people": "two", "style": "comic"}, [{"sex": "man"}, {"eyewear": "glasses", "sex": "woman"}], random.Random(1)
    )
    assert "on the left" in text
    assert "on the right" in text
    assert "glasses" in text


def test_a_ground_is_told_with_its_pattern() -> None:
    text = caption({"people": "one", "ground": "blue", "pattern": "striped"}, [{}], random.Random(0))
    assert "striped blue background" in text


def test_answers_say_of_whom() -> None:
    description = Description("", {"people": "two"}, ({}, {"eyewear": "none"}))
    asked = dict(zip([name for name, _ in QUESTIONS], answers(description), strict=True))
    assert asked["1.eyewear"] == 0
    assert asked["0.eyewear"] == 3
    assert asked["people"] == 1
    assert asked["style"] == 4
