"""What the starter attributes are learned from differs in the attribute alone."""

from __future__ import annotations

import pytest

from attrbank.evaluation.judges.readings import PROMPTS
from lab.starter_prompts import PAIRS, pairs, prompt


def words(text: str) -> set[str]:
    """The words of a prompt."""
    return set(text.replace(",", "").split())


@pytest.mark.parametrize("name", PAIRS)
def test_both_sides_of_a_pair_name_everything_else_alike(name: str) -> None:
    _, *contexts = pairs(name)
    own = words(prompt(PAIRS[name][0])) ^ words(prompt(PAIRS[name][1]))
    for source, target in contexts:
        changed = words(source) ^ words(target)
        assert changed
        assert changed <= own


@pytest.mark.parametrize("name", PAIRS)
def test_no_pair_is_there_twice_and_the_first_is_plain(name: str) -> None:
    found = pairs(name)
    assert len(set(found)) == len(found)
    assert found[0][1] == PROMPTS[name].replace("young person", "young man")


def test_an_attribute_does_not_bring_a_beard_or_take_it_away() -> None:
    _, *of_men = pairs("man")
    assert all("without a beard" in target for _, target in of_men)
    beards = [("with a beard" in source, "woman" in source) for source, _ in pairs("young")]
    assert (True, False) in beards
    assert (True, True) not in beards
