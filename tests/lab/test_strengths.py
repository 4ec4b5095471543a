"""What strengths below 1 promise, judged where there is something to come."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attrbank.evaluation.judges.readings import Pictures, has_all
from lab.figures.people import People
from lab.figures.strengths import promises, table
from tests.helpers.readings import showing


class Turning:
    """Pictures that are numbers: by how much they look old, each raised by 4 from a strength of its own on.

    The strengths are .2, .4, .6 and .8, but the first is seen long before it has all of its effect; a fifth picture is
    old already.
    """

    unedited = torch.tensor([-2.0, -2.0, -2.0, -2.0, 1.0])
    turns = torch.tensor([0.2, 0.4, 0.6, 0.8, 0.0])

    def __init__(self, rows: Tensor | None = None) -> None:
        self.rows = torch.ones(5, dtype=torch.bool) if rows is None else rows

    def only(self, rows: Tensor) -> Turning:
        return Turning(rows)

    def act(self, attribute, strength: float) -> float:
        return strength

    def edited(self, acts: list[float]) -> Tensor:
        gains = 4.0 * (self.turns <= acts[0])
        gains[0] = 4.0 if acts[0] == 1 else 2.5
        return (self.unedited + gains)[self.rows]

    def images(self, latents: Tensor) -> Tensor:
        return latents

    def look(self, images: Tensor) -> Pictures:
        return showing(images, "old")


@pytest.fixture
def people() -> People:
    return People.seen(Turning(), Turning())


def test_a_promise_is_kept_by_the_pictures_that_have_their_share_of_the_effect(people: People) -> None:
    found = promises(people, "old", None)
    assert found["pictures"] == 4
    shares = [(point["success"]["value"], point["kept"]["value"]) for point in found["points"]]
    assert shares == [(0.25, 0.25), (0.5, 0.5), (0.75, 0.5)]
    assert table({"attributes": {"old": found}}).splitlines()[-1].startswith("| old | 4 | 0.25 [")


def test_what_everybody_has_cannot_come(people: People) -> None:
    assert promises(people.only(has_all(people.before, ("old",))), "old", None) is None
