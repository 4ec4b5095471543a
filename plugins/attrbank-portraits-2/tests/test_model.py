"""The model draws what it is asked for, and its judge reads what the renderer drew."""

from __future__ import annotations

import pytest
import torch
from attrbank.evaluation.judges.oracle import load, load_damage
from attrbank.evaluation.judges.oracle_judge import PortraitsJudge
from attrbank.backbones.portraits.parameters import draw
from attrbank.evaluation.judges.readings import GOALS, PROMPTS, effect, flips, identity_error, look_at
from attrbank.backbones.portraits.render import render

from attrbank.plugin import Case, load_plugins


@pytest.fixture(scope="session")
def people():
    return draw(96, 10_000)


@pytest.fixture(scope="session")
def seen(people):
    return look_at(load("judge"), render(people))


def test_every_goal_has_a_prompt_that_the_model_knows():
    described = load_plugins().describe("portraits-2")
    assert set(PROMPTS) == set(GOALS)
    known = set(described.words)
    assert all(set(prompt.replace(",", "").replace("-", " ").split()) <= known for prompt in PROMPTS.values())


@pytest.mark.parametrize("name", GOALS)
def test_a_perfect_edit_is_seen_and_costs_little(people, seen, name: str):
    goal = GOALS[name]
    lacking = goal.lacked_by(people)
    after = look_at(load("judge"), render(goal.given_to(people[lacking])))
    before = seen[lacking]
    assert (effect(name, after) > 0).float().mean() > 0.75  # under a hat nobody is seen to be bald
    assert (effect(name, before) > 0).float().mean() < 0.15
    assert flips(before, after, goal.value).mean() < 0.08
    assert identity_error(before, after, goal.value).mean() < 0.6


def test_who_laughs_smiles_and_who_is_young_is_not_old():
    assert not GOALS["smile"].excludes(GOALS["laughing"])
    assert not GOALS["glasses"].excludes(GOALS["sunglasses"])
    assert GOALS["young"].excludes(GOALS["old"])
    assert not GOALS["young"].excludes(GOALS["hat"])


def test_strangers_differ(seen):
    half = torch.arange(len(seen)) < 48
    assert identity_error(seen[half], seen[~half]).mean() > 0.9
    assert flips(seen[half], seen[~half]).mean() > 0.25


def test_effect_grows_with_the_grade(people):
    """Half of a smile is half of a smile to the judge: its degree follows the renderer's within .15."""
    grades = torch.linspace(0, 1, 5)
    for grade in grades:
        shown = look_at(load("judge"), render(people[:32].having("expression", float(grade))))
        assert abs(float(shown.reading.number("expression").mean() - grade)) < 0.15


def test_the_detector_lets_renders_pass(people):
    assert load_damage().sees(render(people)).float().mean() < 0.1


def test_the_judge_belongs_to_the_model():
    plugins = load_plugins()
    backbone = plugins.backbone("portraits-2")
    assert backbone.name == "portraits-2"
    judge = plugins.judge_of("portraits-2", Case(backbone=backbone, prompt=backbone.defaults.prompt))
    assert isinstance(judge, PortraitsJudge)
    assert judge.name == "judge"
