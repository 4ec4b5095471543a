"""Negative strengths, judged where there is something to take away."""

from __future__ import annotations

import pytest
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.judges.readings import Pictures
from lab.figures import negatives
from lab.figures.people import People
from lab.starter_prompts import PAIRS
from tests.helpers.readings import showing


class Brightness:
    """Sees whoever is brighter than the threshold as old, the darker the younger, and nothing else in anybody."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def look(self, images: Tensor) -> Pictures:
        return showing(1000 * (images.mean((1, 2, 3)) - self.threshold), "old", features=[images])


@pytest.fixture
def bright_third(bench: Bench) -> Brightness:
    """One of the three pictures is brighter."""
    shades = bench.images(bench.unedited).mean((1, 2, 3)).sort().values
    return Brightness(float(shades[1:].mean()))


def _measured(bench: Bench, judge: Brightness, learned: LearnedAttribute, name: str):
    return negatives.taken_away(People.seen(bench, judge), name, learned)


@pytest.mark.parametrize(("name", "having"), [("old", 1), ("young", 2)])
def test_only_pictures_that_have_the_attribute_are_judged(
    bench: Bench, bright_third: Brightness, learned: LearnedAttribute, name: str, having: int
) -> None:
    found = _measured(bench, bright_third, learned, name)
    assert found["pictures"] == having
    assert [point["strength"] for point in found["points"]] == [-0.5, -1.0, -1.5]


def test_an_attribute_that_nobody_has_cannot_be_taken_away(
    bench: Bench, bright_third: Brightness, learned: LearnedAttribute
) -> None:
    assert _measured(bench, bright_third, learned, "hat") is None


def test_without_strength_nothing_goes(
    bench: Bench, bright_third: Brightness, learned: LearnedAttribute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(negatives, "STRENGTHS", (0.0,))
    (point,) = _measured(bench, bright_third, learned, "young")["points"]
    assert [point[figure]["value"] for figure in ("success", "flips", "identity")] == [0, 0, 0]


def test_what_is_seen_instead_is_the_opposite_or_nothing() -> None:
    assert [negatives.opposite(name) for name in PAIRS] == [
        *("old", "young", "serious", "smile", "smile", "woman", "man"),
        *("no glasses", "no hat", "no beard", "bald"),
    ]
