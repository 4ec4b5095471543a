"""What the figures mean, on pictures whose truth is known."""

from __future__ import annotations

import pytest
import torch

from attrbank.backbones.portraits.parameters import Portraits, draw
from attrbank.backbones.portraits.visible import READ_KINDS, READ_NUMBERS
from attrbank.evaluation.judges.readings import (
    ATTRIBUTES,
    GOALS,
    IDENTITY,
    KEPT,
    PROMPTS,
    Pictures,
    degree,
    effect,
    flips,
    has_all,
    identity_changes,
    identity_error,
    identity_spread,
    perceptual_distance,
)
from attrbank.plugins.manager import load_plugins
from tests.helpers.readings import truth_of

PARTS = len(IDENTITY) + len(KEPT)


def seen(people: Portraits) -> Pictures:
    """What a perfect oracle would see, with features that are the identity itself."""
    reading = truth_of(people)
    features = torch.nn.functional.normalize(reading.numbers, dim=1)[..., None, None]
    return Pictures(reading, (features, features, features), reading.numbers)


def test_a_perfect_edit_comes_and_disturbs_nothing():
    people = draw(200, 5)
    before, after = seen(people), seen(GOALS["glasses"].given_to(people))
    assert has_all(after, ("glasses",)).all()
    assert flips(before, after, "glasses").max() == 0
    assert identity_error(before, after, "glasses").max() == 0
    assert perceptual_distance(before, after).max() == 0


@pytest.mark.parametrize("name", GOALS)
def test_who_lacks_it_by_the_renderers_truth_lacks_it_to_a_perfect_oracle_until_it_is_given(name: str):
    people, goal = draw(400, 5), GOALS[name]
    assert torch.equal(effect(name, seen(people)) > 0, ~goal.lacked_by(people))
    assert has_all(seen(goal.given_to(people)), (name,)).all()


def test_flips_count_the_other_attributes_only():
    people = draw(200, 5)
    after = people.having("expression", 1.0).having("hat", 1.0)
    changed = (people.column("hat") == 0).float() / (len(ATTRIBUTES) - 1)
    torch.testing.assert_close(flips(seen(people), seen(after), "expression"), changed)


def test_a_grade_that_moves_a_little_is_no_flip():
    people = draw(50, 5).having("age", 0.5)
    little, much = (seen(people.having("age", 0.5 + by)) for by in (0.2, 0.3))
    assert flips(seen(people), little).max() == 0
    assert flips(seen(people), much).min() > 0


def test_an_effect_is_how_far_inside_its_range_a_grade_is():
    people = draw(50, 5)
    old, young = (effect(name, seen(people)) for name in ("old", "young"))
    torch.testing.assert_close(old, people.column("age") - GOALS["old"].low)
    torch.testing.assert_close(young, GOALS["young"].high - people.column("age"))
    serious = effect("serious", seen(people.having("expression", 0.0)))
    torch.testing.assert_close(serious, torch.full((50,), GOALS["serious"].high))  # the nearer of its two ends
    assert not (has_all(seen(people), ("young",)) & has_all(seen(people), ("old",))).any()


def test_who_laughs_smiles_and_who_is_young_is_not_old():
    assert not GOALS["smile"].excludes(GOALS["laughing"])
    assert not GOALS["glasses"].excludes(GOALS["sunglasses"])
    assert GOALS["young"].excludes(GOALS["old"])
    assert not GOALS["young"].excludes(GOALS["hat"])


@pytest.mark.parametrize("name", IDENTITY)
def test_identity_error_is_in_standard_deviations_and_leaves_nothing_out(name: str):
    before, moved = seen(draw(50, 5)), seen(draw(50, 5))
    moved.reading.numbers[:, READ_NUMBERS.index(name)] += identity_spread()[IDENTITY.index(name)]
    expected = pytest.approx(PARTS**-0.5, rel=0.01)
    assert identity_error(before, moved).mean().item() == expected
    assert identity_error(before, moved, "hat").mean().item() == expected


@pytest.mark.parametrize("name", KEPT)
def test_another_colour_is_as_far_as_two_strangers_are(name: str):
    before = seen(draw(50, 5).having(name, 0.0))
    after = seen(draw(50, 5).having(name, 1.0))
    assert identity_changes(before, after)[name].tolist() == [2.0] * 50
    assert name in READ_KINDS


def test_age_may_grey_the_hair_and_nothing_else_may():
    people = draw(200, 5).having("greying", 0.0).having("age", 0.2)
    before, after = seen(people), seen(people.having("age", 0.9))
    assert identity_error(before, after, "age").max() == 0
    assert identity_error(before, after, "expression").mean() > 0.1


def test_perceptual_distance_is_zero_for_the_same_and_symmetric():
    one, other = seen(draw(20, 5)), seen(draw(20, 6))
    assert perceptual_distance(one, one).max() == 0
    torch.testing.assert_close(perceptual_distance(one, other), perceptual_distance(other, one))


def test_what_is_worn_is_a_probability_and_a_grade_a_number():
    people = draw(100, 5)
    torch.testing.assert_close(degree("hat", seen(people)), (people.column("hat") > 0).float())
    torch.testing.assert_close(degree("age", seen(people)), people.column("age"))


def test_every_goal_has_a_prompt_that_the_model_knows():
    described = load_plugins().describe("portraits")
    assert set(PROMPTS) == set(GOALS)
    known = set(described.words or ())
    assert all(set(prompt.replace(",", "").replace("-", " ").split()) <= known for prompt in PROMPTS.values())
