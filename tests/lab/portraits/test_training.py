"""The trainings: smoke-sized, stopped and resumed."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.backbones.portraits.visible import READ_NUMBERS, numbers, numbers_seen
from attrbank.errors import IncompatibleError
from attrbank.evaluation.judges.oracle import OUTPUTS, Damage, build, restore, store
from lab.portraits import codec, measure, renders, train, train_oracle
from lab.portraits.captions import describe
from lab.portraits.codec import HELD_OUT
from lab.portraits.damage import DamageLesson
from lab.portraits.labelled import SHEETS
from lab.portraits.loop import Trainer, metadata_of
from lab.portraits.phrases import seen
from lab.portraits.renders import as_bytes, other_glasses, stored
from lab.portraits.spoil import DAMAGES, at, damaged, half_drawn
from lab.spoiling import seeded
from tests.helpers.readings import truth_of


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(codec, "psnr", lambda *_: 0.0)
    monkeypatch.setattr(renders, "CHUNK", 4)


def call(out: Path, capsys, **options) -> str:
    train.main(
        out,
        **{
            "codec_steps": 1,
            "steps": 1,
            "renders": 4,
            "threads": 1,
            "batch": 2,
            **options,
        },
    )
    return capsys.readouterr().err


def test_a_run_out_of_time_goes_on_at_each_stage(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr(codec, "set_scale", lambda vae, _: vae.register_to_config(scaling_factor=0.5))
    assert "stopped: codec at step 0 of 1;" in call(tmp_path, capsys, max_minutes=0)
    assert "finished" in call(tmp_path, capsys)
    first = load_file(tmp_path / "denoiser" / "checkpoint.safetensors")
    assert "stopped: denoiser at step 1 of 2;" in call(tmp_path, capsys, steps=2, max_minutes=0)
    assert "exported unfinished" in call(tmp_path, capsys, steps=3, export_now=True)
    assert "finished" in call(tmp_path, capsys, steps=2)
    second = load_file(tmp_path / "denoiser" / "checkpoint.safetensors")
    assert any(not torch.equal(first[key], second[key]) for key in first)
    call(tmp_path, capsys, decoder_steps=1, steps=2)  # latents stay what they are under a better decoder
    with pytest.raises(IncompatibleError, match="has learned from 4 renders"):
        call(tmp_path, capsys, renders=6)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path):
    pictures = as_bytes(render(draw(8, 1)))

    def taught(folder: str, *stops: int) -> dict[str, torch.Tensor]:
        for stop in stops:
            torch.manual_seed(0)
            network = codec.build()
            trainer = Trainer({"vae": network}, tmp_path / folder, 1e-3, say=lambda _: None)
            lesson = codec.Lesson(network, pictures)
            while trainer.step < stop:
                trainer._update(lesson, 1000)
            trainer.save()
        return load_file(tmp_path / folder / "checkpoint.safetensors")

    whole, broken = taught("whole", 2), taught("broken", 1, 2)
    for key, tensor in whole.items():
        torch.testing.assert_close(broken[key], tensor, rtol=1e-3, atol=1e-4)


def test_time_that_ends_a_training_takes_the_rate_down_with_it(tmp_path: Path):
    network = codec.build((8, 16, 16))
    trainer, rates = Trainer({"vae": network}, tmp_path, 1e-3, say=lambda _: None), []

    def a_step(_: int) -> torch.Tensor:
        rates.append(trainer.optimizer.param_groups[0]["lr"] / min(1, len(rates) / 100 + 0.01))
        return network.decoder.conv_out.weight.square().sum()

    assert trainer.run(a_step, 1_000_000, 0.02, "codec", final=True)
    assert rates[0] == pytest.approx(1e-3)
    assert rates[-1] < 3e-4


def test_a_training_goes_on_from_a_model(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr(codec, "set_scale", lambda vae, _: vae.register_to_config(scaling_factor=0.5))
    call(tmp_path / "a", capsys)
    model = tmp_path / "a" / "model"
    call(tmp_path / "b", capsys, start=model, stage="denoiser", steps=0)
    for part in ("unet", "text_encoder", "vae"):
        file = next((model / part).glob("*.safetensors"))
        given, taken = load_file(file), load_file(tmp_path / "b" / "model" / part / file.name)
        assert all(torch.equal(given[key], taken[key]) for key in given), part


def test_who_is_told_to_stop_saves_first(tmp_path: Path):
    network = codec.build((8, 16, 16))
    trainer = Trainer({"vae": network}, tmp_path, 1e-3, say=lambda _: None)

    def told_to_stop(step: int) -> torch.Tensor:
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return network.decoder.conv_out.weight.square().sum()

    assert not trainer.run(told_to_stop, 100, None, "codec")
    assert metadata_of(tmp_path / "checkpoint.safetensors")["step"] == "3"


@pytest.mark.parametrize("role", ["judge", "tuner", "damage"])
def test_oracles_train_and_are_stored(tmp_path: Path, capsys, monkeypatch, role: str):
    options = {"out": tmp_path, "steps": 1, "held_out": 12, "threads": 1, "count": 4, "batch": 4}
    train_oracle.main(role, **options, max_minutes=0)
    assert "stopped" in capsys.readouterr().out
    train_oracle.main(role, **options)
    assert role in capsys.readouterr().out
    network = Damage() if role == "damage" else build("judge" if role == "judge" else "tuner")
    restore(network, tmp_path / f"{role}.safetensors")
    assert (tmp_path / f"{role}.safetensors").stat().st_size < 3_000_000


def test_the_detector_is_stored_with_a_threshold_that_lets_renders_pass(tmp_path: Path):
    train_oracle.main("damage", tmp_path, steps=1, held_out=50, threads=1, count=4, batch=4)
    detector = restore(Damage(), tmp_path / "damage.safetensors")
    assert detector.threshold != 0
    assert detector.sees(render(draw(50, HELD_OUT))).float().mean() <= 0.1


def test_the_two_oracles_differ_and_read_the_same_things():
    images = render(draw(2, HELD_OUT))
    judge, tuner = build("judge").eval(), build("tuner").eval()
    assert judge.size != tuner.size
    for oracle in (judge, tuner):
        reading = oracle.read(images)
        assert reading.numbers.shape == (2, len(READ_NUMBERS))
        assert reading.number("age").shape == reading.kind("hat").shape == (2,)
        assert oracle.head[-1].out_features == OUTPUTS


def test_what_is_hidden_is_not_asked_for():
    people = draw(200, 1)
    seen = numbers_seen(people)
    assert numbers(people).shape == seen.shape
    sun = people.column("glasses") == 3
    assert not seen[sun][:, READ_NUMBERS.index("eye_size")].any()
    assert seen[:, READ_NUMBERS.index("age")].all()


def test_damage_is_damage_and_leaves_the_rest():
    people = draw(12, 2)
    images = render(people)
    for kind, spoil in DAMAGES.items():
        spoilt = spoil(images, people, seeded(12, 5))
        changed = ((spoilt - images).abs().amax(1) > 0.05).float().mean((1, 2))
        assert (changed > 0.002).float().mean() > 0.7, kind
        assert changed.mean() < 0.6
    assert torch.equal(damaged(images, people, seeded(12, 3)), damaged(images, people, seeded(12, 3)))
    assert not torch.equal(damaged(images, people, seeded(12, 3)), damaged(images, people, seeded(12, 4)))


def test_a_spoiled_eye_is_an_eye():
    """Where a head has its eyes, changing their colour changes the picture, and spoiling one does nothing elsewhere."""
    people, ends = draw(16, 3).having("glasses", 0.0).having("eye_colour", 0.0), torch.tensor([0.0, 1.0]).repeat(8)
    people = people.having("head_x", ends).having("head_y", 1 - ends).having("tilt", ends)
    images = render(people)
    eyes = (render(people.having("eye_colour", 1.0)) - images).abs().amax(1) > 0.05
    axis = (torch.arange(128) + 0.5) / 128
    for left, side in ((True, -0.185), (False, 0.185)):
        x, y = (share.flatten() for share in at(people, torch.full((16, 1, 1, 1), side), torch.zeros(16, 1, 1, 1)))
        middle = at(people, torch.zeros(16, 1, 1, 1), torch.zeros(16, 1, 1, 1))[0].view(16, 1, 1)
        eye = (eyes & ((axis < middle) == left)).float()
        eye = eye / eye.sum((1, 2), keepdim=True)
        assert ((eye.sum(1) * axis).sum(1) - x).abs().max() < 0.02
        assert ((eye.sum(2) * axis).sum(1) - y).abs().max() < 0.015
    near = functional.max_pool2d(eyes.float(), 25, stride=1, padding=12) > 0
    spoilt = (DAMAGES["eye-faint"](images, people, seeded(16, 5)) - images).abs().amax(1) > 0.02
    assert (spoilt & ~near).sum() < 0.02 * spoilt.sum()
    assert (spoilt & eyes).flatten(1).any(1).float().mean() > 0.9


def test_the_detector_learns_from_both_sheets_and_never_from_what_is_held_out():
    assert [len(sheet.to_learn().pictures) for sheet in SHEETS] == [60, 203]
    for sheet in SHEETS:
        read, learned = sheet.read(), sheet.to_learn()
        held_out = {picture.numpy().tobytes() for picture in read.pictures[read.held_out]}
        assert held_out.isdisjoint(picture.numpy().tobytes() for picture in learned.pictures)
        assert learned.damaged.any()
        assert not learned.damaged.all()


def test_a_step_for_the_detector_has_all_four_sorts_of_pictures(tmp_path: Path):
    found = stored(tmp_path / "renders.safetensors", 40, workers=1)
    lesson = DamageLesson(Damage(), found, None, 32, torch.device("cpu"))
    assert (lesson.renders, lesson.by_eye) == (6, 10)
    assert lesson(3) == lesson(3)
    lesson(3).backward()
    assert all(weight.grad is not None for weight in lesson.network.parameters())


def test_a_detector_that_is_right_loses_less():
    """Large logits where renders are damaged and nowhere else cost less than the same elsewhere."""
    off = torch.zeros(2, 1, 16, 16)
    off[1, :, 4:6, 4:6] = 0.3
    lesson = object.__new__(DamageLesson)
    lesson.renders, lesson.by_eye = 1, 1
    right = torch.full((4, 1, 16, 16), -6.0)
    right[1, :, 4:6, 4:6] = right[3, :, 9:11, 9:11] = 6.0
    wrong, missed = right.roll(1, 0), right.clone()
    missed[1] = right[1].roll(8, -1)
    assert lesson._of_pictures(right, off) < 0.2 * lesson._of_pictures(wrong, off)
    assert lesson._of_places(right, off) < 0.2 * lesson._of_places(missed, off)


def test_half_a_pair_of_glasses_is_half_drawn():
    people = draw(8, 2).having("glasses", 1.0).having("head_x", 0.5)
    images = render(people)
    change = (half_drawn(images, render(other_glasses(people))) - images).abs().amax((1, 2))
    assert change[:, :56].max() == 0
    assert (change[:, 70:].amax(1) > 0.3).all()


def test_a_model_is_measured(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr(codec, "set_scale", lambda vae, _: vae.register_to_config(scaling_factor=0.5))
    call(tmp_path, capsys)
    for name, network in (("judge", build("judge")), ("damage", Damage())):
        store(network, tmp_path / f"{name}.safetensors")
    measure.main(tmp_path, oracles=tmp_path, count=2, steps=2, threads=1)
    told = capsys.readouterr().out
    for word in ("codec", "seconds", "fidelity", "damage"):
        assert f"{word}: " in told


def test_fidelity_of_the_truth_is_perfect():
    said = measure.prompts(60)
    people = draw(120, measure.PROMPTS_SEED)
    reading = truth_of(people)
    texts = {description.text: description for description in said}
    assert len(texts) > 50
    values = measure.values_of(reading)
    for n, truth in enumerate(seen(people)):
        for name in ("age", "expression", "glasses", "hat"):
            assert values[n][name] == pytest.approx(truth[name])
        if truth["hair_named"] >= 0:
            assert values[n]["hair_named"] == truth["hair_named"]
    rng = random.Random(measure.PROMPTS_SEED)
    found = measure.fidelity(reading, [describe(truth, rng) for truth in seen(people)])
    assert found.there == 1
    assert found.grades_off == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_file_in_the_place_of_the_folder_is_told_before_anything_is_drawn(tmp_path: Path, monkeypatch, capsys, out):
    (tmp_path / "file").touch()
    monkeypatch.setattr(renders, "render", lambda _: pytest.fail("drawn"))
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / out)])
    with pytest.raises(SystemExit) as stopped:
        train.run()
    assert stopped.value.code == 7
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"error: {tmp_path / out} cannot be used")
    assert lines[1].startswith("hint: ")


def test_renders_are_used_again_and_others_made_anew(tmp_path: Path):
    path = tmp_path / "renders.safetensors"
    first, written = renders.stored(path, 4), path.stat().st_mtime_ns
    assert torch.equal(renders.stored(path, 4).images, first.images)
    assert path.stat().st_mtime_ns == written
    others = renders.stored(path, 4, first=1)
    assert path.stat().st_mtime_ns != written
    assert not torch.equal(others.images, first.images)
