"""The judge of portraits against the renderer, which knows the truth."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from attrbank.backbones.portraits.parameters import IDENTITY, Portraits, draw
from attrbank.backbones.portraits.render import render
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.subjects import goal_of, target_prompt
from attrbank.evaluation.judges.judge import Hearing
from attrbank.evaluation.judges.oracle_judge import OracleJudge


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


def test_only_pictures_that_lack_the_attribute_are_judged(judge: OracleJudge, glasses):
    people = draw(24, 1_001)
    lacking = judge.lacking(glasses, judge.look(render(people)))
    assert (lacking == (people.column("glasses") == 0)).float().mean() > 0.9


def test_an_edit_that_gives_everybody_the_same_hair_costs_diversity(judge: OracleJudge, glasses):
    people, hearing = draw(64, 1_002), Hearing(judge, (glasses,))
    alike = Portraits(people.attributes, people.identity.clone())
    alike.identity[:, IDENTITY.index("hair")] = 0.5
    before = judge.look(render(people))
    kept = hearing.distances(glasses, before, judge.look(render(people.having("glasses", 1.0))))["diversity"]
    lost = hearing.distances(glasses, before, judge.look(render(alike)))["diversity"]
    assert kept == pytest.approx(1, abs=0.1)
    assert lost < 0.3


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
