"""A loaded model: what it runs again, that it changes no bit, and that it forgets in time."""

from __future__ import annotations

import io
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import attrbank
from attrbank.diffusion.protocols import Prediction
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.diffusion.trajectory import Trajectory
from attrbank.pictures.sheet import GRID, TILE
from attrbank.plugins.manager import PluginManager, load_plugins
from tests.helpers.counted import counting

PROMPTS = ("a photo of a person", "a photo of an old person")
STEPS, GUIDED = 10, 2
"""Of every run; a step of the tiny model costs two evaluations under guidance."""


@pytest.fixture(scope="module")
def bank(tiny_pipeline: Path, tmp_path_factory) -> Path:
    """Two attributes at different times: ``late`` acts at .4, ``early`` at .6."""
    folder = tmp_path_factory.mktemp("studio") / "bank"
    studio = attrbank.open(tiny_pipeline, bank=folder)
    for name, t_x in (("late", 0.4), ("early", 0.6)):
        studio.learn(name, *PROMPTS, seeds=range(2), steps=STEPS, guidance_scale=3, t_x=t_x, core="mean")
    return folder


@pytest.fixture(scope="module")
def model(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture
def studio(model, bank: Path) -> attrbank.Studio:
    return attrbank.Studio(model.name, model, bank)


def fresh(studio: attrbank.Studio, *attributes: str, **options) -> attrbank.Result:
    """What a studio draws that remembers nothing."""
    return attrbank.Studio(studio.backbone, studio._model, studio._bank).apply(*attributes, steps=STEPS, **options)


def same(one: attrbank.Result, other: attrbank.Result) -> bool:
    return all(
        np.array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(other, name))) for name in ("before", "after")
    ) and torch.equal(one._drawn.after, other._drawn.after)


def test_the_weights_are_read_for_the_first_picture_alone(studio, monkeypatch):
    describe, seen = PluginManager.describe, []
    monkeypatch.setattr(
        PluginManager, "describe", lambda self, source: (seen.append(source), describe(self, source))[1]
    )
    for strength in (0.3, 0.9):
        studio.apply(f"late:{strength}", seed=7, steps=STEPS)
    assert len(seen) == 1


def test_another_strength_runs_only_the_steps_after_the_edit_and_gives_the_same_bits(studio, tiny_pipeline, bank):
    first = studio.apply("late:0.3", seed=7, steps=STEPS)
    index = next(i for i, t in enumerate(range(900, -1, -100)) if t + 1 == first.recipe.steps_applied[0].t)
    with counting(studio._model) as evaluations:
        second = studio.apply("late:0.9", seed=7, steps=STEPS)
    assert evaluations() == second.unet_evaluations == GUIDED * (STEPS - index)
    assert first.unet_evaluations == GUIDED * (STEPS + STEPS - index)
    assert same(second, attrbank.apply("late:0.9", seed=7, steps=STEPS, backbone=tiny_pipeline, bank=bank))
    assert not same(first, second)


def test_the_same_again_runs_nothing(studio):
    studio.apply("late", "early:0.5", seed=3, steps=STEPS)
    with counting(studio._model) as evaluations:
        assert studio.apply("late", "early:0.5", seed=3, steps=STEPS).unet_evaluations == evaluations() == 0


def test_of_several_attributes_the_steps_before_the_first_that_changes_are_kept(studio):
    base = studio.apply("early:0.5", "late:0.5", seed=4, steps=STEPS)
    at = {step.name: 9 - (step.t - 1) // 100 for step in base.recipe.steps_applied}
    assert at["early"] < at["late"]
    later = studio.apply("early:0.5", "late:1", seed=4, steps=STEPS)
    assert later.unet_evaluations == GUIDED * (STEPS - at["late"])
    sooner = studio.apply("early:1", "late:1", seed=4, steps=STEPS)
    assert sooner.unet_evaluations == GUIDED * (STEPS - at["early"])
    for result, strengths in ((later, ("early:0.5", "late:1")), (sooner, ("early:1", "late:1"))):
        assert same(result, fresh(studio, *strengths, seed=4))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"prompt": "a photo of a man"},
        {"steps": STEPS // 2},
        {"guidance_scale": 2.0},
        {"sampler": "ddpm"},
        {"rho": 0.0},
    ],
    ids=str,
)
def test_whatever_is_asked_for_next_is_what_a_fresh_model_draws(change, studio):
    asked = {"seed": 7, "prompt": "a photo of a woman", "steps": STEPS, "rho": 0.7}
    studio.apply("late", **asked)
    other = attrbank.Studio(studio.backbone, studio._model, studio._bank)
    assert same(studio.apply("late", **asked | change), other.apply("late", **asked | change))


def test_a_picture_is_inverted_once(studio, tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(photo)
    first = studio.apply("late:0.3", image=photo, steps=STEPS)
    second = studio.apply("late:0.9", image=photo, steps=STEPS)
    assert 0 < second.unet_evaluations < first.unet_evaluations / 2
    assert same(second, fresh(studio, "late:0.9", image=photo))
    assert second.before.size == (50, 40)


def test_noise_of_a_stochastic_sampler_is_the_same_after_a_kept_beginning(studio):
    studio.apply("late:0.2", sampler="ddpm", steps=STEPS)
    assert same(
        studio.apply("late:0.8", sampler="ddpm", steps=STEPS),
        fresh(studio, "late:0.8", sampler="ddpm"),
    )


def test_a_studio_learns_with_the_model_that_it_has(model, tmp_path):
    studio = attrbank.Studio(model.name, model, tmp_path / "bank")
    heard = []
    entry = studio.learn(
        "old", *PROMPTS, seeds="0-1", steps=5, guidance_scale=1, on_progress=lambda *told: heard.append(told[0])
    )
    assert entry.name == "old"
    assert "sampling" in heard
    assert studio.apply("old", steps=5).recipe.steps_applied[0].id == entry.id


def test_what_a_callback_raises_comes_back_as_it_is_and_the_studio_goes_on(studio):
    class EnoughError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        studio.apply("late", seed=11, steps=STEPS, on_step=stop)
    assert studio.apply("late", seed=11, steps=STEPS).unet_evaluations > 0


def test_a_callback_may_use_the_studio(studio):
    done = []
    studio.apply("late", seed=12, steps=STEPS, on_step=lambda *_: done or done.append(studio.apply("late", seed=13)))
    assert len(done) == 1


def prediction(value: float) -> Prediction:
    return Prediction(torch.full((1, 4, 4), value), torch.full((1, 4, 4), -value))


SIZE = 2 * 16 * 4
"""Bytes of such a prediction."""


def test_a_memory_is_bounded_and_forgets_what_was_asked_for_longest_ago():
    memory = Memory(room=3 * SIZE)
    for key in (b"a", b"b", b"c"):
        memory.keep(key, prediction(float(ord(key))))
    assert memory.recall(b"a") is not None
    memory.keep(b"d", prediction(0.0))
    assert memory.bytes_held == 3 * SIZE
    assert memory.recall(b"b") is None
    assert memory.recall(b"a")[0][0, 0, 0] == ord("a")


def test_what_is_larger_than_the_memory_is_not_kept():
    memory = Memory(room=SIZE - 1)
    memory.keep(b"a", prediction(1.0))
    assert memory.recall(b"a") is None
    assert memory.bytes_held == 0


def test_who_writes_into_what_is_remembered_spoils_nothing():
    memory, given = Memory(), prediction(1.0)
    memory.keep(b"a", given)
    given.eps.zero_()
    memory.recall(b"a")[0].fill_(5)
    assert torch.equal(memory.recall(b"a")[0], prediction(1.0).eps)


@pytest.fixture
def remembering(model):
    sampler = load_plugins().sampler("ddim")
    grid = sampler.grid(4, model.schedule)
    return RememberingTrajectory(model, sampler, grid=grid, guidance_scale=1.0, memory=Memory())


def test_another_model_is_not_taken_for_the_one_remembered(remembering):
    start = remembering.start([0])
    conditioning = remembering.backbone.encode_prompts([PROMPTS[0]])
    known = remembering.predict(start, conditioning)

    class Changed(type(remembering.backbone)):
        def predict(self, latent, timestep, conditioning):
            return Prediction(*(2 * part for part in super().predict(latent, timestep, conditioning)))

    changed = Changed.__new__(Changed)
    changed.__dict__.update(vars(remembering.backbone))
    assert torch.equal(remembering.through(changed).predict(start, conditioning).eps, 2 * known.eps)
    assert torch.equal(remembering.predict(start, conditioning).eps, known.eps)
    assert remembering.evaluations == 2


def test_what_is_to_be_differentiated_is_predicted_anew(remembering):
    start = remembering.start([0])
    conditioning = remembering.backbone.encode_prompts([PROMPTS[0]])
    remembering.predict(start, conditioning)
    latent = start.latent.clone().requires_grad_()
    assert remembering.predict(start.edited(latent), conditioning).eps.requires_grad


def test_predictions_for_other_conditions_are_told_apart(remembering):
    start = remembering.start([0])
    one, other = (remembering.backbone.encode_prompts([prompt]) for prompt in PROMPTS)
    plain = Trajectory(remembering.backbone, remembering.sampler, grid=remembering.grid, guidance_scale=1.0)
    for conditioning in (one, other, one):
        assert torch.equal(remembering.predict(start, conditioning).eps, plain.predict(start, conditioning).eps)
    assert remembering.evaluations == 2


def test_a_draft_takes_few_steps_behind_the_last_edit_and_shows_nearly_the_same(studio):
    drawn = studio.apply("late", steps=STEPS, seed=3)
    with counting(studio._model) as rows:
        draft = studio.draft("late:0.9", steps=STEPS, seed=3)
    exact = studio.apply("late:0.9", steps=STEPS, seed=3)
    assert rows() == 2 * GUIDED < exact.unet_evaluations
    assert distance(draft, exact.after) < distance(drawn.before, exact.after)


def test_a_draft_of_what_acts_at_several_times_asks_the_network_little(studio, tmp_path):
    studio = attrbank.Studio(studio.backbone, studio._model, tmp_path / "bank")
    for name in ("one", "other"):
        studio.learn(name, *PROMPTS, seeds=range(2), steps=STEPS, guidance_scale=3, core="live", preview=False)
    drawn = studio.apply("one", "other:0.5", steps=STEPS, seed=3)
    studio.draft("one:0.8", "other:0.5", steps=STEPS, seed=3)
    with counting(studio._model) as rows:
        draft = studio.draft("one:0.9", "other:0.5", steps=STEPS, seed=3)
    exact = studio.apply("one:0.9", "other:0.5", steps=STEPS, seed=3)
    # Three steps, and at the second of them what the edits find there; at the first that is known.
    assert rows() == 3 * GUIDED + 2 * len(PROMPTS) < exact.unet_evaluations / 2
    assert distance(draft, exact.after) < distance(drawn.before, exact.after)


def test_a_draft_at_few_steps_is_the_picture_itself(studio):
    few = {"steps": 3, "seed": 4}  # of which two come after the edit
    with pytest.warns(UserWarning, match="nearest step"):
        exact = studio.apply("late", **few)
    assert np.array_equal(studio.draft("late", **few), exact.after)


def test_a_picture_is_the_same_bits_after_drafts_of_it(studio):
    for strength in (0.2, 0.7):
        studio.draft(f"late:{strength}", steps=STEPS, seed=5)
    assert same(studio.apply("late:0.7", steps=STEPS, seed=5), fresh(studio, "late:0.7", seed=5))


def test_a_picture_that_was_decoded_is_not_decoded_again(studio, monkeypatch):
    decode, seen = type(studio._model).decode, []
    monkeypatch.setattr(type(studio._model), "decode", lambda self, x: (seen.append(x), decode(self, x))[1])
    first = studio.apply("late:0.4", steps=STEPS, seed=6)
    assert same(studio.apply("late:0.4", steps=STEPS, seed=6), first)
    assert len(seen) == 2
    studio.apply("late:0.5", steps=STEPS, seed=6)
    assert len(seen) == 3


def test_a_sheet_shows_what_apply_draws(studio):
    sheet = Image.open(io.BytesIO(studio.sheet("early:0.5", x="late=0,1", steps=STEPS, seed=3)))
    drawn = studio.apply("early:0.5", "late", steps=STEPS, seed=3).after.resize((TILE, TILE), Image.Resampling.LANCZOS)
    last = sheet.crop((sheet.width - TILE - GRID.gap, GRID.strip, sheet.width - GRID.gap, GRID.strip + TILE))
    assert np.array_equal(last, drawn)


def test_pictures_are_drawn_while_an_attribute_is_learned(studio, model, bank, tmp_path):
    shutil.copytree(bank, tmp_path / "bank")
    learner, drawn, told = attrbank.Studio(model.name, model, tmp_path / "bank"), [], []
    picture = threading.Thread(target=lambda: drawn.append(learner.apply("late", steps=STEPS, seed=8)))

    def on_progress(*news: object) -> None:
        if not told:
            picture.start()
            while len(learner._turn._line) < 2:
                time.sleep(0.001)
        told.append((news, len(drawn)))

    learner.learn("new", *PROMPTS, seeds=range(2), steps=STEPS, preview=False, on_progress=on_progress)
    picture.join()
    assert [drawn_by_then for _, drawn_by_then in told[:2]] == [0, 1]


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())
