"""The judge of portraits against the renderer, which knows the truth."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch

from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.subjects import goal_of, target_prompt
from attrbank.evaluation.judges.judge import Hearing
from attrbank.evaluation.judges.oracle import load, load_damage
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.judges.readings import GOALS, Pictures, effect, flips, identity_error, look_at


@pytest.fixture(scope="module")
def judge() -> OracleJudge:
    return OracleJudge("tuner", renders=48)


@pytest.fixture
def glasses(subject):
    return replace(subject, goal="glasses")


def test_a_perfect_edit_is_at_the_limit(judge: OracleJudge, glasses):
    people = draw(48, 1_000)
    people = people[people.column("glasses") == 0]
    before, after = judge.look(render(people)), judge.look(render(people.having("glasses", 1.0)))
    found = judge.figures(glasses, before, after)
    limit = judge.limit(glasses)
    assert limit["success"] > 0.95
    assert limit["flips"] < 0.02
    for name in ("identity", "perceptual"):
        assert found[name].mean().item() == pytest.approx(limit[name], rel=1e-4)
    assert judge.distances(glasses, before, after)["fid"] == pytest.approx(0, abs=1e-3)
    assert judge.distances(glasses, before, before)["fid"] > 1e-2


def test_no_activations_of_perfect_edits_are_kept(monkeypatch: pytest.MonkeyPatch, glasses):
    judge = OracleJudge("tuner", renders=8)
    look, activations = judge.look, list[weakref.ref[torch.Tensor]]()

    def looked(images: torch.Tensor) -> Pictures:
        seen = look(images)
        activations.extend(map(weakref.ref, seen.features))
        return seen

    monkeypatch.setattr(judge, "look", looked)
    assert judge.limit(glasses)
    assert judge.distances(glasses, *[look(torch.rand(2, 3, 64, 64))] * 2)
    assert activations
    assert not any(kept() is not None for kept in activations)


def test_only_pictures_that_lack_the_attribute_are_judged(judge: OracleJudge, glasses):
    people = draw(24, 1_001)
    lacking = judge.lacking(glasses, judge.look(render(people)))
    assert (lacking == (people.column("glasses") == 0)).float().mean() > 0.9


def test_an_edit_that_gives_everybody_the_same_hair_costs_diversity(judge: OracleJudge, glasses):
    people, hearing = draw(64, 1_002), Hearing(judge, (glasses,))
    people = people.having("hat", 0.0).having("hair_length", 0.8).having("age", 0.2)
    alike = people.having("hair_colour", 1.0).having("hair_shade", 0.5)
    before = judge.look(render(people))
    kept = hearing.distances(glasses, before, judge.look(render(people.having("glasses", 1.0))))["diversity"]
    lost = hearing.distances(glasses, before, judge.look(render(alike)))["diversity"]
    assert kept == pytest.approx(1, abs=0.1)
    assert lost < 0.3


def test_of_hair_that_an_edit_may_change_nothing_is_said(judge: OracleJudge, glasses):
    seen = judge.look(render(draw(2, 1_002)))
    assert judge.traits(glasses, seen).shape == (2, 3)
    assert [judge.traits(replace(glasses, goal=goal), seen) for goal in ("old", "hat", "bald")] == [None] * 3


@pytest.fixture(scope="module")
def people():
    return draw(96, 10_000)


@pytest.fixture(scope="module")
def seen(people):
    return look_at(load("judge"), render(people))


@pytest.mark.parametrize("name", GOALS)
def test_a_perfect_edit_is_seen_and_costs_little(people, seen, name: str):
    goal = GOALS[name]
    lacking = goal.lacked_by(people)
    after, before = look_at(load("judge"), render(goal.given_to(people[lacking]))), seen[lacking]
    assert (effect(name, after) > 0).float().mean() > 0.75  # under a hat nobody is seen to be bald
    assert (effect(name, before) > 0).float().mean() < 0.15
    assert flips(before, after, goal.value).mean() < 0.08
    assert identity_error(before, after, goal.value).mean() < 0.6


def test_strangers_differ(seen):
    half = torch.arange(len(seen)) < 48
    assert identity_error(seen[half], seen[~half]).mean() > 0.9
    assert flips(seen[half], seen[~half]).mean() > 0.25


def test_the_effect_grows_with_the_grade(people):
    """Half of a smile is half of a smile to the judge: its degree follows the renderer's within .15."""
    for grade in torch.linspace(0, 1, 5):
        shown = look_at(load("judge"), render(people[:32].having("expression", float(grade))))
        assert abs(float(shown.reading.number("expression").mean() - grade)) < 0.15


def test_the_shipped_detector_lets_renders_pass(people):
    assert load_damage().sees(render(people)).float().mean() < 0.1


def test_young_and_old_exclude_each_other_and_others_do_not(judge: OracleJudge, glasses):
    young, old = (replace(glasses, goal=goal) for goal in ("young", "old"))
    assert judge.excludes(young, old)
    assert not judge.excludes(young, glasses)


def test_a_detector_of_damage_is_asked_after_every_picture_and_of_perfect_edits(glasses):
    def holes(images: torch.Tensor) -> torch.Tensor:
        return (images[:, :, 30:40, 30:40] == 0).flatten(1).all(1)

    judge = OracleJudge("tuner", renders=24, damaged=holes)
    whole = render(draw(6, 1_003))
    broken = whole.clone()
    broken[:2, :, 30:40, 30:40] = 0
    before, after = judge.look(whole), judge.look(broken)
    assert judge.figures(glasses, before, after)["damage"].tolist() == [True, True, *[False] * 4]
    rows = torch.tensor([False, True, True, False, False, False])
    assert judge.figures(glasses, before[rows], after[rows])["damage"].tolist() == [True, False]
    assert judge.limit(glasses)["damage"] == 0


def test_without_a_detector_nothing_is_said_of_damage(judge: OracleJudge, glasses):
    seen = judge.look(render(draw(2, 1_003)))
    assert "damage" not in judge.figures(glasses, seen, seen)


def test_one_picture_has_no_distribution(judge: OracleJudge, glasses):
    one = judge.look(torch.rand(1, 3, 64, 64))
    assert Hearing(judge, (glasses,)).distances(glasses, one, one) == {}


@pytest.mark.parametrize(("name", "goal"), [("old", "old"), ("old-rank2", "old"), ("hat_2", "hat")])
def test_names_tell_what_they_promise(name: str, goal: str):
    assert goal_of(name) == goal


def test_what_no_oracle_sees_must_be_said():
    assert goal_of("grumpy", "serious") == "serious"
    with pytest.raises(InvalidValueError) as refused:
        goal_of("older")
    assert "--goal" in str(refused.value.hint)


def test_the_target_prompt_is_the_pair_of_this_source_or_the_goals_own(learned):
    record = learned.record
    assert target_prompt(record, "a photo of a person", None) == "a photo of an old person"
    assert target_prompt(record, "a photo of a dog", "hat") == "a photo of a person, with a hat"
    assert target_prompt(record, "a photo of a dog", None) == "a photo of an old person"
