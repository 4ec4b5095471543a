"""The grammar: what phrases mean, and that captions tell the truth."""

from __future__ import annotations

import random
import re

import pytest
import torch

from attrbank.backbones.portraits.parameters import GRADES, KINDS, NAMES, draw
from lab.portraits.captions import describe
from lab.portraits.openness import WIDTH, left_open
from lab.portraits.phrases import ALL, SEEN, off, read, seen
from lab.portraits.tokens import MAX_TOKENS, build_tokenizer, words


@pytest.fixture(scope="module")
def descriptions():
    truths = seen(draw(1500, 21))
    rng = random.Random(0)
    return [(truth, describe(truth, rng)) for truth in truths]


def test_captions_tell_the_truth(descriptions):
    for truth, described in descriptions:
        for phrase in described.phrases:
            assert off(phrase, truth) == 0, described.text
            assert phrase.text in described.text


def test_what_a_caption_says_can_be_read_back(descriptions):
    for _, described in descriptions:
        assert [phrase.text for phrase in read(described.text)] == [phrase.text for phrase in described.phrases]


def test_ranges_are_of_parameters_and_lie_within_them():
    for phrase in ALL:
        for name, (low, high) in phrase.ranges.items():
            assert name in (*NAMES, *SEEN)
            assert low <= high
            if name in GRADES:
                assert (-1 if name == "expression" else 0) <= low < high <= 1


def test_every_phrase_is_true_of_somebody_and_false_of_somebody():
    truths = seen(draw(6000, 22))
    for phrase in ALL:
        fitting = sum(phrase.fits(truth) for truth in truths)
        assert fitting > 0, phrase.text
        assert fitting < len(truths) or phrase.text == "person"


@pytest.mark.parametrize(
    ("prompt", "name", "span"),
    [
        ("a photo of a slightly smiling woman", "expression", (0.12, 0.42)),
        ("a laughing man", "expression", (0.75, 1.0)),
        ("a man with stubble", "beard", (0.10, 0.33)),
        ("a very old lady", "age", (0.86, 1.0)),
        ("A middle-aged man", "age", (0.38, 0.62)),
        ("a bald man", "hair_length", (0.0, 0.04)),
        ("a woman with a red hat", "hat_colour", (0.0, 0.0)),
        ("a woman without a hat", "hat", (0.0, 0.0)),
        ("a man with sunglasses", "glasses", (3.0, 3.0)),
        ("a man with a long grey beard", "hair_named", (4.0, 4.0)),
        ("a girl", "age", (0.0, 0.16)),
        ("a sad gentleman", "expression", (-1.0, -0.45)),
    ],
)
def test_everyday_words_have_a_meaning(prompt: str, name: str, span: tuple[float, float]):
    assert span in [phrase.ranges[name] for phrase in read(prompt) if name in phrase.ranges]


def test_a_grade_is_off_by_its_distance_and_a_kind_by_one():
    truth = seen(draw(1, 0))[0]
    (laughing,), (sunglasses,) = read("laughing"), read("with sunglasses")
    assert off(laughing, {**truth, "expression": 0.6}) == pytest.approx(0.15)
    assert off(laughing, {**truth, "expression": 0.8}) == 0
    assert off(sunglasses, {**truth, "glasses": 1.0}) == 1


def test_a_tenth_of_captions_is_empty_and_a_tenth_bare(descriptions):
    texts = [described.text for _, described in descriptions]
    assert texts.count("") / len(texts) == pytest.approx(0.1, abs=0.03)
    bare = sum(text.endswith(("a person",)) for text in texts) / len(texts)
    assert 0.07 < bare < 0.25


def test_the_article_fits_the_word_and_every_word_is_known(descriptions):
    for _, described in descriptions:
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  ", described.text), described.text
        assert set(re.findall("[a-z]+", described.text)) <= set(words())


def test_every_word_is_one_token_and_captions_fit(descriptions):
    tokenizer = build_tokenizer()
    assert all(len(tokenizer(word).input_ids) == 3 for word in [*words(), ",", "-"])
    assert max(len(tokenizer(described.text).input_ids) for _, described in descriptions) <= MAX_TOKENS
    for word in ("bald", "sad", "elderly", "girl", "boy", "lady", "gentleman", "guy", "laughing", "stubble", "red"):
        assert word in words()


def test_what_a_caption_leaves_open():
    everything, hat = left_open([[], read("with a red beanie")])
    assert everything.shape == (WIDTH,)
    assert everything.all()
    closed = len(KINDS["hat"]) - 1 + len(KINDS["hat_colour"]) - 1
    assert (hat == 0).sum() == closed
    assert torch.equal(left_open([read("with a red beanie")])[0], hat)
