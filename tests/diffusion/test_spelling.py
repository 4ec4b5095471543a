"""Where words of a prompt stand, by the spans of its tokens."""

from __future__ import annotations

import pytest

from attrbank.diffusion.spelling import Place, TokenSpans, check_spans, occurrences, places_of, token_spans_of
from attrbank.errors import IncompatibleError, InvalidValueError

PROMPT = "A man, a WOMAN and a womanly man"
SPANS = ((0, 0), (0, 1), (2, 5), (5, 6), (7, 8), (9, 11), (11, 14), (15, 18), (19, 20), (21, 28), (29, 32), (0, 0))
ENCODER = TokenSpans("text_encoder", "text", (0, 8), SPANS)


class Deaf:
    name = "deaf"


def test_words_are_found_whole_and_whatever_their_case() -> None:
    assert [PROMPT[slice(*span)] for span in occurrences(PROMPT, ["woman"])] == ["WOMAN"]
    assert len(occurrences(PROMPT, ["man"])) == 2
    assert occurrences(PROMPT, ["a man"]) == [(0, 5)]
    assert occurrences("1.5 men", ["1.5"]) == [(0, 3)]


def test_a_word_of_several_tokens_stands_at_all_of_them() -> None:
    assert places_of([ENCODER], PROMPT, ["woman"], "hat") == (Place("text_encoder", "text", (0, 8), (5, 6)),)
    (place,) = places_of([ENCODER], PROMPT, ["man", "child"], "hat")
    assert place.positions == (2, 10)


def test_a_word_that_is_not_in_the_prompt_is_one_clear_sentence() -> None:
    with pytest.raises(
        InvalidValueError, match=r"^The prompt 'a dog' does not have the word man, at which hat acts\.$"
    ):
        places_of([ENCODER], "a dog", ["man"], "hat")
    with pytest.raises(InvalidValueError, match="has none of the words man, child") as raised:
        places_of([ENCODER], "a dog", ["man", "child"], "hat")
    assert "--on" in str(raised.value.hint)


def test_a_word_behind_what_the_model_reads_is_refused() -> None:
    short = ENCODER._replace(spans=SPANS[:5])
    with pytest.raises(InvalidValueError, match="does not read the word at which hat acts"):
        places_of([ENCODER, short], PROMPT, ["woman"], "hat")


def test_a_model_without_token_spans_is_refused_by_that_name() -> None:
    with pytest.raises(IncompatibleError, match=r"hat acts at words .* deaf .* it has no token_spans"):
        token_spans_of(Deaf(), PROMPT, "hat")


@pytest.mark.parametrize(
    ("prompt", "spans", "complaint"),
    [
        ("a man", ((0, 0), (0, 1), (2, 5), (0, 0)), None),
        ("a man", ((0, 0), (0, 1), (2, 6)), "leaves the prompt"),
        ("a man", ((0, 3), (2, 5)), "overlap"),
        ("a man", ((2, 5), (0, 1)), "go back"),
        ("a man", ((0, 1), (2, 4)), "no position spells 'n'"),
    ],
)
def test_spans_that_do_not_spell_the_prompt_are_noticed(prompt, spans, complaint) -> None:
    found = check_spans(prompt, spans)
    assert (found is None) == (complaint is None)
    assert complaint is None or complaint in str(found)
