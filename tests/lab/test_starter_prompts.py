"""What the starter attributes are learned from differs in the attribute alone, and its judge knows it."""

from __future__ import annotations

import pytest

from attrbank.evaluation.judges.readings import PROMPTS
from lab.starter import command
from lab.starter_prompts import PAIRS


@pytest.mark.parametrize("name", PAIRS)
def test_the_two_sides_of_a_pair_differ_in_one_place(name: str) -> None:
    source, target = (prompt.replace("an old", "a old").replace(",", "").split() for prompt in PAIRS[name])
    assert len(set(source) ^ set(target)) <= 3


@pytest.mark.parametrize("name", PAIRS)
def test_the_judge_has_a_goal_for_each(name: str) -> None:
    assert name in PROMPTS


def test_each_is_learned_by_a_line_without_options() -> None:
    assert command("hat") == (
        "attrbank learn hat --source 'a photo of a person' --target 'a photo of a person, with a hat'"
    )
