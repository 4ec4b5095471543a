"""The renderer and the people it draws."""

from __future__ import annotations

import pytest
import torch

from attrbank.backbones.portraits.parameters import ATTRIBUTES, ENTANGLEMENT, IDENTITY, draw
from attrbank.backbones.portraits.render import render


def test_a_picture_is_a_function_of_its_parameters():
    people = draw(3, 7)
    assert torch.equal(render(people), render(draw(3, 7)))
    assert not torch.equal(render(people), render(draw(3, 8)))


def test_a_batch_draws_what_singles_draw():
    people = draw(3, 7)
    singles = torch.cat([render(people[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(render(people), singles, atol=1e-6, rtol=0)


def test_pictures_are_colours():
    pictures = render(draw(16, 0))
    assert pictures.shape == (16, 3, 128, 128)
    assert pictures.isfinite().all()
    assert 0 <= pictures.min() <= pictures.max() <= 1


def test_no_people_are_no_pictures():
    assert render(draw(0, 0)).shape == (0, 3, 128, 128)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_attribute_shows(name: str):
    people = draw(8, 3)
    without, with_it = render(people.having(name, 0.0)), render(people.having(name, 1.0))
    assert ((with_it - without).abs().amax(dim=1) > 0.1).float().mean((1, 2)).min() > 0.003


@pytest.mark.parametrize("name", [name for name in IDENTITY if name != "muted"])
def test_every_identity_parameter_shows(name: str):
    people = draw(2, 3).having("old", 0.0).having("hat", 0.0)
    column = IDENTITY.index(name)
    pictures = []
    for value in (0.1, 0.9):
        people.identity[:, column] = value
        pictures.append(render(people))
    assert (pictures[0] - pictures[1]).abs().mean() > 1e-4


def test_glasses_change_the_eyes_and_not_the_clothes():
    people = draw(8, 3)
    change = (render(people.having("glasses", 1.0)) - render(people.having("glasses", 0.0))).abs()
    assert change[..., 110:, :].max() == 0


@pytest.mark.parametrize(("name", "rule"), ENTANGLEMENT.items())
def test_attributes_are_entangled_as_the_table_says(name: str, rule: tuple[str | None, float, float]):
    people = draw(20_000, 0)
    parent, if_absent, if_present = rule
    given = people.column(parent) if parent else torch.zeros(len(people))
    for value, expected in ((0.0, if_absent), (1.0, if_present)):
        rows = people.column(name)[given == value]
        if len(rows):
            assert rows.mean().item() == pytest.approx(expected, abs=0.015)


def test_every_combination_of_attributes_occurs():
    assert len(draw(20_000, 0).attributes.unique(dim=0)) == 2 ** len(ATTRIBUTES)
