"""Who may look at which pictures, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from attrbank_findings.scene import Scene
from attrbank_findings.unedited import Unedited, largest_move

from attrbank.plugin import InvalidValueError, OracleJudge, draw, render


@pytest.fixture(scope="module")
def judge() -> OracleJudge:
    return OracleJudge("tuner", renders=2)


@pytest.mark.parametrize(
    ("name", "seeds", "role"),
    [
        ("portraits", (10_000, 10_001), "judge"),
        ("portraits", (10_000, 1_000), "tuner"),
        ("some-folder", (10_000,), None),
    ],
)
def test_the_judge_looks_at_its_own_seeds_alone(name: str, seeds: tuple[int, ...], role: str | None) -> None:
    scene = Scene.of(SimpleNamespace(backbone=SimpleNamespace(name=name), seeds=seeds))
    assert (scene.judge.name if scene.judge else None) == role


def test_what_was_changed_is_what_has_moved(judge: OracleJudge) -> None:
    people = draw(24, 1_000)
    people = people[people.column("glasses") == 0]
    images = render(people)
    unedited = Unedited(SimpleNamespace(), images, judge, judge.look(images))
    found = unedited.compared(render(people.having("glasses", 1.0)))
    assert found["glasses"].low > 0
    assert found["flips"].value == pytest.approx(1 / 8, abs=0.02)
    assert largest_move(unedited.compared(images)) == "-"


def test_the_trait_that_was_changed_has_moved_furthest(judge: OracleJudge) -> None:
    people = draw(24, 1_000)
    images = render(people)
    unedited = Unedited(SimpleNamespace(), images, judge, judge.look(images))
    assert largest_move(unedited.compared(render(people.having("head_x", 1.0)))).startswith("head_x +")


def test_pictures_that_have_it_already_are_left_out(judge: OracleJudge, subject) -> None:
    glasses = replace(subject, goal="glasses")
    people = draw(12, 1_000)
    images = render(people)
    bench = SimpleNamespace(only=lambda rows: rows)
    lacking = Unedited(bench, images, judge, judge.look(images)).lacking(glasses)
    assert torch.equal(lacking.bench, people.column("glasses") == 0)
    everybody = render(people.having("glasses", 1.0))
    with pytest.raises(InvalidValueError, match="Every picture"):
        Unedited(bench, everybody, judge, judge.look(everybody)).lacking(glasses)
