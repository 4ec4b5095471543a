"""Attributes that act at words of the prompt, through the engine and the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from attrbank.attribute.artifact import encode
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.acting import ready
from attrbank.editing.composition import Act, run_edits
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.directions import DirectionEdit
from attrbank.methods.text import Text
from attrbank.names import Asked
from attrbank.pictures.png_text import read_recipe_text
from attrbank.plugin.tiny import build_pipeline
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.carried import Recipe
from attrbank.store.bank import Bank

TWO = "a photo of a man and a woman"
STEPS = 6


class Listening:
    """A backbone that remembers what it was told of prompts."""

    def __init__(self, inner) -> None:
        self._inner, self.heard = inner, []

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def predict(self, latent, timestep, conditioning):
        self.heard.append(conditioning["text"].clone())
        return self._inner.predict(latent, timestep, conditioning)


@pytest.fixture(scope="module")
def model(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture(scope="module")
def old(model):
    asked = {"steps": STEPS, "guidance_scale": 2.0, "method": "text", "core": "mean"}
    spec = learn_spec("old", ["a photo of a woman"], ["a photo of an old woman"], **asked)
    return learn_attribute(complete(spec, model), Text(), model, DDIM())


@pytest.fixture(scope="module")
def bank(old, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words") / "bank"
    Bank(folder).add(encode(old))
    return folder


def trajectory_of(model, kind=Trajectory, **options):
    return kind(model, DDIM(), grid=DDIM().grid(STEPS, model.schedule), guidance_scale=2.0, **options)


def asked(bank: Path, **options) -> ApplyRequest:
    return ApplyRequest(**{"references": (Asked("old"),), "bank": bank, "steps": STEPS, "prompt": TWO, **options})


def test_only_the_prompts_rows_change_and_only_from_its_time_on(model) -> None:
    listening = Listening(model)
    act = Act(2, DirectionEdit({"text_encoder": torch.ones(32)}), 3.0, words=("woman",))
    run_edits(trajectory_of(listening), TWO, [5], [act], with_before=False)
    plain, empty = (model.encode_prompts([prompt])["text"][0] for prompt in (TWO, ""))
    at = [p for p, (start, end) in enumerate(model.token_spans(TWO)[0].spans) if start < end and start >= 23]
    assert len(listening.heard) == STEPS
    for step, (unconditional, conditional) in enumerate(listening.heard):
        assert torch.equal(unconditional, empty), step
        shifted = (conditional - plain).abs() > 1e-6
        assert shifted.any() == (step >= 2)
        assert not shifted[[p for p in range(24) if p not in at]].any()


def test_strength_zero_is_bit_for_bit_and_costs_nothing_more(model, old) -> None:
    trajectory = trajectory_of(model)
    edited = run_edits(trajectory, TWO, [5], [ready(old, 0.0).on(trajectory.grid, model.schedule)])
    assert edited.before is not None
    assert torch.equal(edited.before, edited.after)


def test_the_sign_of_the_strength_is_the_sign_of_the_change(model, old) -> None:
    run = {
        strength: run_edits(t := trajectory_of(model), TWO, [5], [ready(old, strength).on(t.grid, model.schedule)])
        for strength in (-0.1, 0.1)
    }
    back, forth = ((run[strength].after - run[strength].before).flatten() for strength in (-0.1, 0.1))
    assert float(torch.cosine_similarity(back, forth, dim=0)) < -0.9


def test_a_memory_of_predictions_changes_no_bit_of_it(model, old) -> None:
    memory = Memory()
    trajectories = [trajectory_of(model), *(trajectory_of(model, RememberingTrajectory, memory=memory) for _ in "12")]
    acts = [ready(old, 2.0).on(trajectories[0].grid, model.schedule)]
    plain, first, second = (run_edits(trajectory, TWO, [5], acts).after for trajectory in trajectories)
    assert torch.equal(plain, first)
    assert torch.equal(plain, second)


def test_on_chooses_whom_it_changes(bank: Path, tmp_path: Path) -> None:
    pictures = {on: apply(asked(bank, on=on, rho=3.0, output=tmp_path / f"{on}.png")).after for on in (None, "man")}
    assert not torch.equal(pictures[None], pictures["man"])


def test_it_travels_in_plan_and_recipe_and_show_prints_it(bank: Path, tmp_path: Path) -> None:
    from attrbank.cli.show import command_of

    planned = plan(asked(bank, on="man"))
    assert planned.as_dict()["attributes"][0]["on"] == "man"
    assert planned.unet_evaluations == 2 * (2 * STEPS - planned.first), "words cost no evaluation"
    apply(asked(bank, on="man", output=tmp_path / "one.png"))
    recipe = Recipe.model_validate_json(read_recipe_text(tmp_path / "one.png"))
    assert "--on man" in command_of(recipe)
    assert "--on" not in command_of(
        Recipe.model_validate(
            json.loads(recipe.model_dump_json())
            | {"steps_applied": [turn.model_dump() | {"on": None} for turn in recipe.steps_applied]}
        )
    )


def test_words_are_checked_before_a_model_is_loaded(bank: Path) -> None:
    with pytest.raises(InvalidValueError, match="'a photo of a dog' does not have the word woman, at which old acts"):
        plan(asked(bank, prompt="a photo of a dog"))
    with pytest.raises(InvalidValueError, match="does not have the word child"):
        plan(asked(bank, on="child"))
    with pytest.raises(InvalidValueError, match="does not read the word"):
        plan(asked(bank, prompt="a photo " * 15 + "of a woman"))
    with pytest.raises(InvalidValueError, match="does not have the word woman"):
        plan(asked(bank)).under("a dog")


def test_a_word_that_no_attribute_takes_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="None of these attributes acts at words of the prompt, such as 'man'"):
        plan(ApplyRequest(references=(Asked("smile"),), on="man"))
    with pytest.raises(InvalidValueError, match="is empty"):
        ApplyRequest(references=(Asked("smile"),), on=" ")


def test_it_fits_every_model_with_the_same_text_encoder(bank: Path, tiny_pipeline: Path, tmp_path: Path) -> None:
    """Whatever draws the picture; not one with another encoder, unless by force."""
    import shutil

    other = build_pipeline(tmp_path / "other", seed=1)
    with pytest.raises(IncompatibleError, match="text encoder"):
        plan(asked(bank, backbone=str(other)))
    assert plan(asked(bank, backbone=str(other), force=True)).forced
    shutil.rmtree(other / "text_encoder")
    shutil.copytree(tiny_pipeline / "text_encoder", other / "text_encoder")
    planned = plan(asked(bank, backbone=str(other)))
    assert not planned.forced
    assert planned.backbone.fingerprint != planned.turns[0].record.backbone.fingerprint


def test_a_model_without_token_spans_is_refused(bank: Path, tiny_sd3: Path, monkeypatch) -> None:
    monkeypatch.setattr("attrbank.editing.plan.check_binding", lambda *anything, **more: None)
    with pytest.raises(IncompatibleError, match=r"old acts at words .* has no token_spans"):
        plan(asked(bank, backbone=str(tiny_sd3)))


def test_a_word_at_which_an_edit_acts_is_not_left_out_for_another(model, old) -> None:
    run = trajectory_of(model)
    words = ready(old, 3.0).on(run.grid, model.schedule)
    late = Act(4, lambda x, inputs, strength: x + strength, 0.5, opposed=("woman", "man"))
    after = run_edits(run, TWO, [5], [words, late], with_before=False).after
    kept = run_edits(run, TWO, [5], [words, replace(late, opposed=("man",))], with_before=False).after
    alone = run_edits(run, TWO, [5], [words, replace(late, opposed=())], with_before=False).after
    assert torch.equal(after, kept)
    assert not torch.equal(after, alone)


def test_the_plan_warns_of_no_word_that_stays(bank: Path, old) -> None:
    spec = old.record.pairs[0].model_copy(update={"source": "a photo of a woman", "target": "a photo of a man"})
    fields = {"name": "man", "pairs": (spec,), "words": (), "method": "avi", "core": "mean"}
    man = replace(plan(asked(bank)).turns[0], record=old.record.model_copy(update=fields), words=())
    planned = plan(asked(bank))
    assert any("says 'woman' against" in warning for warning in replace(planned, turns=(man,)).warnings)
    both = replace(planned, turns=(*planned.turns, man))
    assert not any("against" in warning for warning in both.warnings)
