"""What the figures mean, on pictures whose truth is known."""

from __future__ import annotations

import pytest
import torch

from attrbank.backbones.portraits.parameters import ATTRIBUTES, IDENTITY, Portraits, draw
from attrbank.evaluation.judges.oracle import Reading
from attrbank.evaluation.judges.readings import (
    GOALS,
    Pictures,
    effect,
    flips,
    has_all,
    identity_error,
    identity_spread,
    perceptual_distance,
)


def seen(people: Portraits) -> Pictures:
    """What a perfect oracle would see, with features that are the identity itself."""
    features = torch.nn.functional.normalize(people.identity, dim=1)[..., None, None]
    return Pictures(
        Reading(people.attributes * 2 - 1, people.identity), (features, features, features), people.identity
    )


def test_a_perfect_edit_comes_and_disturbs_nothing():
    people = draw(200, 5)
    before, after = seen(people), seen(people.having("glasses", 1.0))
    assert has_all(after, ("glasses",)).all()
    assert flips(before, after, "glasses").max() == 0
    assert identity_error(before, after).max() == 0
    assert perceptual_distance(before, after).max() == 0


def test_flips_count_the_other_attributes_only():
    people = draw(200, 5)
    after = people.having("smiling", 1.0).having("hat", 1.0)
    changed = (people.column("hat") == 0).float() / (len(ATTRIBUTES) - 1)
    torch.testing.assert_close(flips(seen(people), seen(after), "smiling"), changed)


def test_young_and_old_are_the_two_ends_of_one_attribute():
    pictures = seen(draw(50, 5))
    assert torch.equal(has_all(pictures, ("young",)), ~has_all(pictures, ("old",)))
    assert torch.equal(effect("young", pictures), -effect("old", pictures))
    assert GOALS["young"].attribute == GOALS["old"].attribute == "old"


@pytest.mark.parametrize("name", IDENTITY)
def test_identity_error_is_in_standard_deviations_and_leaves_nothing_out(name: str):
    people = draw(50, 5)
    moved = Portraits(people.attributes, people.identity.clone())
    moved.identity[:, IDENTITY.index(name)] += identity_spread()[IDENTITY.index(name)]
    expected = pytest.approx(len(IDENTITY) ** -0.5, rel=0.01)
    assert identity_error(seen(people), seen(moved)).mean().item() == expected


def test_perceptual_distance_is_zero_for_the_same_and_symmetric():
    one, other = seen(draw(20, 5)), seen(draw(20, 6))
    assert perceptual_distance(one, one).max() == 0
    torch.testing.assert_close(perceptual_distance(one, other), perceptual_distance(other, one))
