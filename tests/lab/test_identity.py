"""Whose fault an identity error is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from attrbank.backbones.portraits.parameters import ATTRIBUTES, IDENTITY
from attrbank.evaluation.judges.oracle import Reading
from attrbank.evaluation.judges.readings import Pictures, identity_spread
from lab.figures.identity import shares
from lab.figures.people import People

STEPS = {"mouth_width": 2.0, "background": 1.0, "hair": 5**0.5}
"""What the edit moves, in standard deviations."""


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
        identity = torch.zeros(1, len(IDENTITY))
        for name, step in STEPS.items() if seen.moved else ():
            identity[:, IDENTITY.index(name)] = step * identity_spread()[IDENTITY.index(name)]
        return Pictures(Reading(torch.zeros(1, len(ATTRIBUTES)), identity), (), identity)


def test_shares_are_of_the_squared_error_of_all_that_makes_a_person() -> None:
    bench = EditThatMoves()
    lacking_and_having = torch.tensor([[-1.0], [1.0]]).expand(2, len(ATTRIBUTES))
    identity = torch.stack([torch.zeros(len(IDENTITY)), torch.full((len(IDENTITY),), 7.0)])
    before = Pictures(Reading(lacking_and_having, identity), (), identity)
    found = shares(People(bench, bench, before), SimpleNamespace(record=SimpleNamespace(name="old")))
    named = [("hair", 0.5), ("mouth_width", 0.4), ("background", 0.1)]
    assert list(found.items())[:3] == [(name, pytest.approx(share)) for name, share in named]
    assert sum(found.values()) == pytest.approx(1.0)
