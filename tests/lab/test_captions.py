"""The grammar of captions and its tokenizer."""

from __future__ import annotations

import random

from attrbank.backbones.portraits.parameters import ATTRIBUTES, draw
from lab.portraits.captions import MAX_TOKENS, build_tokenizer, caption, describe, mention, words


def everybody(count: int) -> list[dict[str, int]]:
    return [dict(zip(ATTRIBUTES, row, strict=True)) for row in draw(count, 0).attributes.int().tolist()]


def test_every_attribute_is_mentioned_about_six_times_in_ten():
    rng = random.Random(0)
    mentions = [mention(person, rng) for person in everybody(5000)]
    for name in ATTRIBUTES:
        assert abs(sum(name in named for named in mentions) / len(mentions) - 0.6) < 0.03


def test_a_tenth_of_the_captions_is_empty():
    rng = random.Random(0)
    empty = sum(describe(person, rng).text == "" for person in everybody(5000)) / 5000
    assert abs(empty - 0.1) < 0.02


def test_the_neutral_prompt_is_no_rarity():
    rng = random.Random(0)
    neutral = sum(describe(person, rng).text == "a photo of a person" for person in everybody(5000))
    assert neutral > 25


def test_captions_say_what_is_mentioned_and_nothing_else():
    rng = random.Random(0)
    for person in everybody(2000):
        text = caption(mention(person, rng), rng).split()
        assert ("old" in text or "elderly" in text) <= (person["old"] == 1)
        assert ("young" in text) <= (person["old"] == 0)
        assert not {"man", "guy", "gentleman"} & set(text) or person["man"] == 1
        assert not {"woman", "lady"} & set(text) or person["man"] == 0


def test_the_article_fits_the_word():
    rng = random.Random(0)
    for person in everybody(2000):
        text = caption(mention(person, rng), rng)
        assert " a old" not in text
        assert " an young" not in text
        assert "  " not in text


def test_every_word_and_the_comma_are_one_token():
    tokenizer = build_tokenizer()
    for word in [*words(), ","]:
        start, token, end = tokenizer(word).input_ids
        assert (start, end) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
        assert token not in (start, end)


def test_no_caption_is_cut_off():
    rng, tokenizer = random.Random(0), build_tokenizer()
    captions = [describe(person, rng).text for person in everybody(2000)]
    assert max(len(ids) for ids in tokenizer(captions).input_ids) <= MAX_TOKENS


def test_captions_hold_no_word_that_the_model_would_warn_of():
    rng, known = random.Random(0), set(words())
    spoken = {word.strip(",") for person in everybody(2000) for word in describe(person, rng).text.split()}
    assert spoken <= known
