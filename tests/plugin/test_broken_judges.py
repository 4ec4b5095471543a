"""Each promise of a judge is one that something can break: here is one culprit for each."""

from __future__ import annotations

import pytest
import torch

from attrbank.plugin.contracts import JudgeContract
from tests.helpers.promises import Gaussian, broken


class Reddish:
    """A sound judge, which derives from nothing."""

    name, weights = "reddish", "1"

    def look(self, images):
        return images.mean((2, 3))

    def effect(self, subject, view):
        return view[:, 0] - view[:, 1]

    def figures(self, subject, before, after):
        return {"damage": after[:, 0] > 0.9}


class WithoutWeights(Reddish):
    weights = ""


class OneAnswerForAll(Reddish):
    def effect(self, subject, view):
        return super().effect(subject, view).mean()


class Moody(Reddish):
    def effect(self, subject, view):
        return torch.rand(len(view))


class PaintsOver(Reddish):
    def look(self, images):
        return images.sub_(0.5).mean((2, 3))


class ComparesPictures(Reddish):
    def look(self, images):
        return super().look(images - images.mean(0))


class PicksOtherRows(Reddish):
    def effect(self, subject, view):
        return super().effect(subject, view) + 0.1 * len(view)


class HalfDamaged(Reddish):
    def figures(self, subject, before, after):
        return {"damage": 2 + after[:, 0]}


class NoFigure(Reddish):
    def figures(self, subject, before, after):
        return {"identity": 0 / (after - before).mean(1)}


class EndlessLimit(Reddish):
    def limit(self, subject):
        return {"perceptual": float("inf")}


class TraitsOfNobody(Reddish):
    def traits(self, subject, view):
        return view.mean(0, keepdim=True)


@pytest.mark.parametrize(
    ("judge", "promise"),
    [
        (WithoutWeights, "it says what it is"),
        (OneAnswerForAll, "every picture gets one finite effect"),
        (Moody, "it repeats itself and leaves the pictures alone"),
        (PaintsOver, "it repeats itself and leaves the pictures alone"),
        (ComparesPictures, "a view is its rows"),
        (PicksOtherRows, "a view is its rows"),
        (HalfDamaged, "every further figure is one number a picture"),
        (NoFigure, "every further figure is one number a picture"),
        (EndlessLimit, "what it says of all together is finite"),
        (TraitsOfNobody, "what it says of all together is finite"),
    ],
)
def test_a_judge_that_breaks_a_promise_is_told_so(judge: type[Reddish], promise: str) -> None:
    facts = {"make_backbone": lambda self: Gaussian()}
    assert broken(JudgeContract, Reddish(), **facts) == set()
    assert promise in broken(JudgeContract, judge(), **facts)
