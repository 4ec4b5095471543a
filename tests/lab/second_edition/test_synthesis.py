"""Drawing again what was read."""

from __future__ import annotations

import torch

from lab.second_edition.parameters import draw
from lab.second_edition.render import render
from lab.second_edition.renders import other_glasses
from lab.second_edition.spoil import Chance, damaged
from lab.second_edition.synthesis import REGIONS, again, unlike
from tests.lab.second_edition.test_training import truth_of


def test_what_a_perfect_eye_reads_is_drawn_as_it_was():
    people = draw(40, 31)
    found = unlike(render(people), truth_of(people))
    assert set(found) == set(REGIONS)
    for name, difference in found.items():
        assert difference.median() < 0.005, name
        assert difference.max() < 0.12, name  # brown hair that is half grey has no name
    torch.testing.assert_close(again(truth_of(people)).column("age"), people.column("age"))


def test_damage_is_unlike_what_is_read():
    people = draw(48, 31)
    spoilt = damaged(render(people), render(other_glasses(people)), Chance(48, 1))
    before, after = unlike(render(people), truth_of(people)), unlike(spoilt, truth_of(people))
    worst_before, worst_after = (torch.stack(list(each.values())).amax(0) for each in (before, after))
    assert (worst_after > worst_before + 0.01).float().mean() > 0.7
