"""Which position of one prompt is which of another."""

from __future__ import annotations

import re

import pytest
import torch
from attrbank_prompt.parameters import Parameters
from attrbank_prompt.places import Spelled, blended, refined, replaced, weights

from attrbank.plugin import InvalidValueError

LENGTH = 9


def spelled(prompt: str, pieces: int = 20) -> Spelled:
    """A prompt whose tokens are words, or parts of them of so many letters, as a tokenizer of 9 positions has them."""
    tokens = [
        (start, min(start + pieces, match.end()))
        for match in re.finditer(r"\w+", prompt)
        for start in range(match.start(), match.end(), pieces)
    ]
    return Spelled(prompt, [(0, 0), *tokens, *[(0, 0)] * (LENGTH - 1 - len(tokens))])


def sources_of(carried: torch.Tensor) -> list[int | None]:
    """For each target position the one of the source that it is."""
    return [int(column.argmax()) if column.any() else None for column in carried.T]


def test_refining_finds_what_both_prompts_have_and_leaves_out_what_is_new() -> None:
    carried = refined(spelled("a photo of a person"), spelled("a photo of an old person"))
    assert sources_of(carried) == [0, 1, 2, 3, None, None, 5, 6, 7]
    assert set(carried.unique().tolist()) == {0.0, 1.0}


def test_a_prompt_is_itself() -> None:
    person = spelled("a photo of a person")
    assert torch.equal(refined(person, person), torch.eye(LENGTH))
    assert torch.equal(replaced(person, person), torch.eye(LENGTH))


def test_replacing_puts_each_word_in_the_place_of_another() -> None:
    carried = replaced(spelled("an old man"), spelled("a red hat"))
    assert torch.equal(carried, torch.eye(LENGTH))


def test_a_word_of_several_tokens_shares_the_attention_of_the_one_that_it_replaces() -> None:
    carried = replaced(spelled("a cat sits", 3), spelled("a longer sits", 3))
    source, target = spelled("a cat sits", 3), spelled("a longer sits", 3)
    assert source.words == [[1], [2], [3, 4]]
    assert target.words == [[1], [2, 3], [4, 5]]
    assert carried[2].tolist() == [0, 0, 0.5, 0.5, 0, 0, 0, 0, 0]
    assert carried[3, 4] == carried[4, 5] == 1
    assert torch.equal(carried.sum(1), torch.ones(LENGTH)), "attention is lost, or made of nothing"


@pytest.mark.parametrize("prompts", [("a longer cat", "a red cat"), ("a red cat", "a longer cat")])
def test_no_attention_is_lost_where_a_prompt_is_filled_up(prompts: tuple[str, str]) -> None:
    carried = replaced(spelled(prompts[0], 3), spelled(prompts[1], 3))
    assert torch.equal(carried.sum(1), torch.ones(LENGTH))


def test_the_words_that_strength_scales_are_those_that_are_named_or_new() -> None:
    source, target = spelled("a person"), spelled("an old person")
    new = (refined(source, target).sum(0) == 0).float()
    assert weights(target, new, Parameters(edit="reweight")).nonzero().flatten().tolist() == [1, 2]
    named = weights(target, new, Parameters(edit="reweight", word="Person"))
    assert named.nonzero().flatten().tolist() == [3]


def test_what_is_blended_at_must_be_in_either_prompt() -> None:
    source, target = spelled("a person"), spelled("a person with a hat")
    found = blended(source, target, "hat")
    assert not found["blend.source"].any()
    assert found["blend.target"].nonzero().flatten().tolist() == [5]
    with pytest.raises(InvalidValueError, match="Neither prompt"):
        blended(source, target, "beard")
