"""Whose fault an identity error is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from attrbank.backbones.portraits.visible import READ_NUMBERS
from attrbank.evaluation.judges.readings import IDENTITY, Pictures, identity_spread
from lab.figures.identity import shares
from lab.figures.people import People
from tests.helpers.readings import showing

STEPS = {"mouth_width": 2.0, "background_shade": 1.0, "skin": 5**0.5, "hair_red": 9.0}
"""What the edit moves, in standard deviations; age greys hair by right."""


class EditThatMoves:
    """A bench whose edit takes these steps, and the eyes that see them."""

    def __init__(self, moved: bool = False) -> None:
        self.moved = moved

    def only(self, rows: torch.Tensor) -> EditThatMoves:
        return self

    def act(self, attribute, strength):
        return strength

    def edited(self, acts):
        return EditThatMoves(moved=True)

    def images(self, latents):
        return latents

    def look(self, seen: EditThatMoves) -> Pictures:
        found = showing(-torch.ones(1), "old")
        for name, step in STEPS.items() if seen.moved else ():
            found.reading.numbers[:, READ_NUMBERS.index(name)] += step * identity_spread()[IDENTITY.index(name)]
        return found


def test_shares_are_of_the_squared_error_of_all_that_makes_a_person() -> None:
    bench = EditThatMoves()
    before = showing(torch.tensor([-1.0, 1.0]), "old")
    before.reading.numbers[1, READ_NUMBERS.index("skin")] = 7.0
    found = shares(People(bench, bench, before), SimpleNamespace(record=SimpleNamespace(name="old")))
    named = [("skin", 0.5), ("mouth_width", 0.4), ("background_shade", 0.1)]
    assert list(found.items())[:3] == [(name, pytest.approx(share)) for name, share in named]
    assert sum(found.values()) == pytest.approx(1.0)
