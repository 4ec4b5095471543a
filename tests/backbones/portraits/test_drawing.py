"""The renderer and the people it draws."""

from __future__ import annotations

import pytest
import torch

from attrbank.backbones.portraits.drawing.scene import Scene
from attrbank.backbones.portraits.palette import greyness, hair_named
from attrbank.backbones.portraits.parameters import ENTANGLEMENT, GRADES, IDENTITY, KINDS, NAMES, Portraits, draw
from attrbank.backbones.portraits.render import render


def plain(count: int, seed: int = 3) -> Portraits:
    """People with nothing on that could hide something."""
    people = draw(count, seed).having("hat", 0).having("glasses", 0).having("earrings", 0).having("greying", 1)
    return people.having("hair_length", 0.3).having("beard", 0)


def rows_changed(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Which rows of the pictures differ, (128,) bool."""
    return ((after - before).abs() > 0.02).any(1).any(2).any(0)


def test_a_picture_is_a_function_of_its_parameters():
    people = draw(3, 7)
    assert torch.equal(render(people), render(draw(3, 7)))
    assert not torch.equal(render(people), render(draw(3, 8)))


def test_a_batch_draws_what_singles_draw():
    people = draw(5, 7)
    singles = torch.cat([render(people[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(render(people), singles, atol=1e-6, rtol=0)


def test_pictures_are_colours():
    pictures = render(draw(32, 0))
    assert pictures.shape == (32, 3, 128, 128)
    assert pictures.isfinite().all()
    assert 0 <= pictures.min() <= pictures.max() <= 1
    assert render(draw(0, 0)).shape == (0, 3, 128, 128)


def test_windows_save_time_and_cut_nothing_off(monkeypatch):
    people = draw(48, 5)
    people.values[:24, NAMES.index("tilt")] = torch.tensor([0.0, 1.0]).repeat(12)
    for name in ("head_x", "head_y"):
        people.values[:24, NAMES.index(name)] = torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(6)
    quick = render(people)
    monkeypatch.setattr(Scene, "window", lambda self, *_: self)
    torch.testing.assert_close(quick, render(people), atol=0.01, rtol=0)


@pytest.mark.parametrize("name", GRADES)
def test_every_step_of_a_grade_shows(name: str):
    steps = torch.linspace(-1 if name == "expression" else 0.1, 1, 8)
    person = Portraits(plain(1).values.repeat(8, 1))
    pictures = render(person.having(name, steps))
    moved = (pictures[1:] - pictures[:-1]).abs().amax(1)
    assert ((moved > 0.03).float().sum((1, 2)) > 12).all()


def test_a_grade_moves_what_it_should_and_nothing_else():
    people = plain(8)
    before = render(people)
    mouth = rows_changed(before, render(people.having("expression", -people.column("expression").sign())))
    assert not mouth[:28].any()
    assert not mouth[116:].any()
    beard = rows_changed(before, render(people.having("beard", 0.5)))
    assert not beard[:50].any()
    for name in ("background_colour", "clothes_colour", "hat_colour"):
        assert torch.equal(people.having("beard", 0.5).column(name), people.column(name))


def test_hats_sit_on_the_head_and_glasses_on_the_nose():
    people = plain(8)
    before = render(people)
    for kind in (1, 2, 3):
        assert not rows_changed(before, render(people.having("hat", kind)))[76:].any()
        assert not rows_changed(before, render(people.having("glasses", kind)))[[*range(30), *range(96, 128)]].any()


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_looks_like_no_other(name: str):
    people = draw(1, 4).having("hat", 1).having("hair_length", 0.8).having("greying", 1)
    kinds = torch.arange(len(KINDS[name])).float()
    pictures = render(Portraits(people.values.repeat(len(kinds), 1)).having(name, kinds))
    for a in range(len(kinds)):
        for b in range(a):
            assert ((pictures[a] - pictures[b]).abs().amax(0) > 0.04).sum() > 30


@pytest.mark.parametrize("name", IDENTITY)
def test_every_identity_parameter_shows(name: str):
    people = plain(2).having("age", 0.7).having("hat", 1.0 if name == "hat_shade" else 0.0)
    change = render(people.having(name, 0.1)) - render(people.having(name, 0.9))
    assert change.abs().mean() > 1e-4


def test_age_turns_hair_grey_by_degrees_and_a_quarter_of_people_never():
    people = draw(4000, 2)
    ages = [greyness(people.having("age", age)).mean().item() for age in (0.2, 0.5, 0.8, 1.0)]
    assert ages == sorted(ages)
    assert ages[0] == 0
    never = (greyness(people.having("age", 1.0)) < 0.5).float().mean()
    assert 0.15 < never < 0.35


def test_hair_is_called_by_its_colour():
    young = draw(600, 1).having("age", 0.1)
    named = hair_named(young)
    assert ((named == young.column("hair_colour")) | (named == -1)).all()
    assert (named >= 0).float().mean() > 0.85


EVENTS = {
    "smiling": lambda p: p.column("expression") > 0.1,
    "bald": lambda p: p.column("hair_length") <= 0.03,
    "long_hair": lambda p: p.column("hair_length") > 0.5,
    "bearded": lambda p: p.column("beard") > 0,
    "glasses": lambda p: p.column("glasses") > 0,
    "hat": lambda p: p.column("hat") > 0,
    "earrings": lambda p: p.column("earrings") > 0,
    "muted": lambda p: p.column("clothes_colour") >= KINDS["clothes_colour"].index("white"),
}


@pytest.mark.parametrize(("event", "rule"), ENTANGLEMENT.items())
def test_attributes_are_entangled_as_the_table_says(event: str, rule: tuple[str, float, float]):
    people = draw(40_000, 9)
    if event == "long_hair":
        people = people[people.column("hair_length") > 0.03]
    parent, happened = people.column(rule[0]), EVENTS[event](people).float()
    for low, high in ((0.0, 0.3), (0.35, 0.65), (0.7, 1.0)):
        chosen = (parent >= low) & (parent <= high)
        expected = rule[1] + (rule[2] - rule[1]) * parent[chosen].mean()
        assert happened[chosen].mean().item() == pytest.approx(expected.item(), abs=0.025)


def test_every_combination_is_drawn():
    people = draw(60_000, 9)
    facts = torch.stack(
        [EVENTS[event](people) for event in ("bearded", "glasses", "hat", "earrings", "smiling")], dim=1
    )
    sides = torch.stack([people.column("age") > 0.5, people.column("build") > 0.5], dim=1)
    assert len(torch.cat([facts, sides], dim=1).unique(dim=0)) == 2**7
