"""The judge reads perfect edits that the designers' own code drew, and finds everything else unchanged in them."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import cast

import pytest
import torch
from attrbank_avatars import perfect
from attrbank_avatars.goals import GOALS, PROMPTS, exclude
from attrbank_avatars.judge import AvatarsJudge
from attrbank_avatars.readings import Pictures, colours, flips, geometry_error, identity_error, lacking, largest
from attrbank_avatars.truth import GEOMETRY, PICTURE, SIDED, STYLES, TRAITS_READ, values_of

from attrbank.plugin import Case, JudgeContract, LearnedAttribute, Subject


def subject(goal: str) -> Subject:
    return Subject(goal, "0" * 64, 0, cast(LearnedAttribute, None), PROMPTS[goal], goal)


@pytest.fixture(scope="module")
def judge() -> AvatarsJudge:
    return AvatarsJudge("judge")


@pytest.fixture(scope="module")
def scenes(judge: AvatarsJudge) -> Pictures:
    return judge.look(perfect.load()["beard"].before[:8].float() / 255)


@pytest.mark.parametrize("goal", GOALS)
def test_perfect_edits_are_seen_and_nothing_beside_them(judge: AvatarsJudge, goal: str) -> None:
    before, after = (some[:16].float() / 255 for some in perfect.load()[goal])
    seen, edited = judge.look(before), judge.look(after)
    assert judge.lacking(subject(goal), seen).float().mean() > 0.9
    found = judge.figures(subject(goal), seen, edited)
    figures = {name: float(values.float().mean()) for name, values in found.items()}
    assert figures["success"] > 0.9
    assert figures["flips"] < 0.05
    assert figures["identity"] < 0.25
    assert figures["geometry"] < 1.2
    assert 0 < figures["perceptual"] < 0.5


def test_a_limit_has_every_figure(judge: AvatarsJudge) -> None:
    assert {"success", "effect", "flips", "identity", "perceptual"} <= set(judge.limit(subject("surprised")))


def test_no_activations_of_perfect_edits_are_kept(monkeypatch: pytest.MonkeyPatch, scenes: Pictures) -> None:
    judge = AvatarsJudge("judge")
    look, activations = judge.look, list[weakref.ref[torch.Tensor]]()

    def looked(images: torch.Tensor) -> Pictures:
        seen = look(images)
        activations.extend(map(weakref.ref, seen.features))
        return seen

    monkeypatch.setattr(judge, "look", looked)
    assert judge.limit(subject("surprised"))
    assert judge.distances(subject("surprised"), scenes, scenes)
    assert activations
    assert not any(kept() is not None for kept in activations)


def test_other_figures_are_other_people_elsewhere(scenes: Pictures) -> None:
    order = torch.arange(len(scenes)).roll(1)
    assert identity_error(scenes, scenes).max() == 0
    assert identity_error(scenes, scenes[order]).mean() > 0.8
    assert flips(scenes, scenes, GOALS["hat"]).max() == 0
    assert flips(scenes, scenes[order], GOALS["hat"]).mean() > 0.15


@pytest.mark.parametrize("column", ["x", "y", "scale", "tilt"])
def test_a_figure_that_moves_has_changed(scenes: Pictures, column: str) -> None:
    moved = scenes.place.clone()
    moved[:, GEOMETRY.index(column)] += 0.1
    assert identity_error(scenes, replace(scenes, place=moved)).min() > 0.05
    assert geometry_error(scenes, replace(scenes, place=moved)).min() > 0.5


def test_a_mirrored_figure_looks_to_the_other_side_and_is_another_one(judge: AvatarsJudge) -> None:
    images = perfect.load()["glasses"].before.float() / 255
    straight, mirrored = judge.look(images), judge.look(images.flip(-1))
    sided = straight.visible["looks"]
    assert sided.tolist() == [style in SIDED for style in straight.styles]
    assert sided.sum() > 10
    turned = straight.answer("looks") != mirrored.answer("looks")
    assert turned[sided].float().mean() > 0.9
    other = replace(straight, person={**straight.person, "looks": -straight.person["looks"]})
    assert torch.equal(identity_error(straight, other) > 0, sided)


def test_a_goal_asks_those_alone_who_could_have_it(scenes: Pictures) -> None:
    for goal in GOALS:
        for style, lacks, alone in zip(scenes.styles, lacking(goal, scenes), scenes.alone, strict=True):
            assert alone or not lacks
            assert GOALS[goal].possible_in(style) or not lacks
    two = torch.zeros_like(scenes.picture["people"])
    two[:, PICTURE["people"].index("two")] = 1
    assert not lacking("beard", replace(scenes, picture={**scenes.picture, "people": two})).any()


def test_what_is_hidden_is_not_asked_for(scenes: Pictures) -> None:
    hat = torch.zeros_like(scenes.person["hat"])
    hat[:, TRAITS_READ["hat"].index("hat")] = 1
    hatted = replace(scenes, person={**scenes.person, "hat": hat})
    able = torch.tensor([len(values_of(style, "hat")) > 1 for style in hatted.styles])
    assert able.any()
    assert not hatted.visible["length"][able].any()
    assert not lacking("bald", hatted)[able].any()


def test_colours_are_those_of_the_style_where_it_has_no_others(judge: AvatarsJudge) -> None:
    ink = judge.look(perfect.load()["glasses"].before.float() / 255)
    of_ink = colours(ink)[torch.tensor([style == "ink" for style in ink.styles])]
    assert len(of_ink) > 3
    assert of_ink.std(0).max() < 1e-6
    assert colours(ink).std(0).min() > 0.1


def test_the_largest_of_those_who_are_there_is_read() -> None:
    places = torch.zeros(2, 2, len(GEOMETRY))
    places[:, 1, GEOMETRY.index("scale")] = 0.9
    assert largest(places, torch.tensor([1, 2]))[:, GEOMETRY.index("scale")].tolist() == pytest.approx([0, 0.9])


def test_promises_that_contradict_each_other_exclude_each_other() -> None:
    assert exclude("smile", "sad")
    assert exclude("beard", "woman")
    assert not exclude("glasses", "sunglasses")
    assert not exclude("hat", "beard")
    assert all(any(goal.possible_in(style) for style in STYLES) for goal in GOALS.values())


class TestContract(JudgeContract):
    def make(self) -> AvatarsJudge:
        return AvatarsJudge("tuner")

    def case(self) -> Case:
        return Case(backbone=self.make_backbone(), prompt="a picture of a person")
