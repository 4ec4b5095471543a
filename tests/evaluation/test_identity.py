"""Whose fault an identity error is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from attrbank.backbones.portraits.parameters import IDENTITY
from attrbank.evaluation.identity import shares
from attrbank.evaluation.metrics import identity_spread


class Reading:
    """Pictures as far as identity goes."""

    def __init__(self, identity: torch.Tensor) -> None:
        self.reading = SimpleNamespace(identity=identity)

    def __getitem__(self, rows: torch.Tensor) -> Reading:
        return Reading(self.reading.identity[rows])


class OnePictureLacks:
    """A judge to whom one of two pictures lacks the attribute, and a bench whose edit moves parameters by given steps.

    The steps are in standard deviations; hair is moved as well, which "old" changes by right.
    """

    def __init__(self) -> None:
        self.steps = {"mouth_width": 2.0, "background": 1.0, "hair": 9.0}

    def images(self, latents):
        return latents

    def look(self, images):
        rows = torch.zeros(2 if images == "before" else 1, len(IDENTITY))
        if images == "after":
            for name, step in self.steps.items():
                rows[:, IDENTITY.index(name)] = step * identity_spread()[IDENTITY.index(name)]
        return Reading(rows)

    def lacking(self, subject, view):
        return torch.tensor([True, False])

    def only(self, rows):
        return self

    def act(self, attribute, strength):
        return strength

    def edited(self, acts):
        return "after"


def test_shares_are_of_the_squared_error_without_what_the_attribute_changes_by_right() -> None:
    both = OnePictureLacks()
    attribute = SimpleNamespace(record=SimpleNamespace(name="old"))
    found = shares(both, both, both.look("before"), attribute)
    assert "hair" not in found
    assert list(found.items())[:2] == [("mouth_width", pytest.approx(0.8)), ("background", pytest.approx(0.2))]
    assert sum(found.values()) == pytest.approx(1.0)
