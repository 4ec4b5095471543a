"""The judge: it reads frames, wherever they are, and is only asked what can be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from attrbank_avatars.eyes import Eye, Role, SceneRead, build, crop, load, save
from attrbank_avatars.truth import GEOMETRY, PICTURE, TRAITS_READ
from diffusers import AutoencoderKL
from safetensors.torch import load_file

from lab.avatars import train_judge
from lab.avatars.codec import build as build_codec
from lab.avatars.cutouts import Cutouts
from lab.avatars.scenes import Place, Scene, draw_scenes, paint, paint_all
from lab.avatars.train_judge import UNSEEN, Answers, Pictures, loss_on


def test_a_crop_looks_alike_wherever_the_figure_stands(cutouts: Cutouts) -> None:
    places = [Place(0, 0.5, 0.5, 0.75, 0.0, False), Place(0, 0.375, 0.625, 0.75, 0.0, False)]
    images = torch.stack([paint(Scene((place,), "blue", "plain"), cutouts) for place in places]).float() / 255
    one, other = crop(images, torch.tensor([[place.x, place.y, place.scale] for place in places]))
    assert one.shape == (3, 64, 64)
    assert (one - other).abs().mean() < 0.01


def test_answers_leave_out_what_cannot_be_seen(cutouts: Cutouts) -> None:
    ink = next(number for number, figure in enumerate(cutouts.figures) if figure.style == "ink")
    answers = Answers([Scene((Place(ink, 0.5, 0.5, 0.7, 7.0, True),), "pink", "dotted")], cutouts)
    assert answers.people["skin"].tolist() == [[UNSEEN, UNSEEN]]
    assert answers.people["eyewear"][0, 0] != UNSEEN
    assert answers.there.tolist() == [[1, 0]]
    torch.testing.assert_close(answers.geometry[0, 0], torch.tensor([0.5, 0.5, 0.7, 0.5]))
    assert PICTURE["pattern"][answers.picture["pattern"]] == "dotted"


@pytest.mark.parametrize(("style", "told"), [("ink", ["right", "left"]), ("icon", [None, None])])
def test_the_side_that_a_figure_looks_to_is_asked_for_where_it_shows(
    cutouts: Cutouts, style: str, told: list[str | None]
) -> None:
    figure = next(number for number, figure in enumerate(cutouts.figures) if figure.style == style)
    places = (Place(figure, 0.3, 0.5, 0.5, 0.0, False), Place(figure, 0.7, 0.5, 0.5, 0.0, True))
    answers = Answers([Scene(places, "pink", "plain")], cutouts)
    wanted = [UNSEEN if side is None else TRAITS_READ["looks"].index(side) for side in told]
    assert answers.people["looks"].tolist() == [wanted]


@pytest.mark.parametrize("role", ["judge", "tuner"])
def test_an_eye_is_stored_and_reads_in_words(cutouts: Cutouts, tmp_path: Path, role: Role) -> None:
    save(build(role), tmp_path / f"{role}.safetensors")
    assert (tmp_path / f"{role}.safetensors").stat().st_size < 1_500_000
    reads = load(role, tmp_path).read(paint_all(draw_scenes(cutouts, 3, 0), cutouts).float() / 255)
    for read in reads:
        assert {name: read.picture[name] in values for name, values in PICTURE.items()} == dict.fromkeys(PICTURE, True)
        assert len(read.people) == len(read.places) == (1 if read.picture["people"] == "one" else 2)
        assert all(set(person) == set(TRAITS_READ) for person in read.people)
        assert all(set(place) == set(GEOMETRY) for place in read.places)


def test_what_is_said_of_a_place_is_looked_up_in_the_geometry() -> None:
    place = {"x": 0.3, "y": 0.5, "scale": 0.9, "tilt": 0.0}
    read = SceneRead({}, [{"mood": "sad", "looks": "left"}], [place])
    assert read.shows(0, "side", "left")
    assert not read.shows(0, "side", "middle")
    assert read.shows(0, "size", "large")
    assert read.shows(0, "looks", "left")
    assert read.shows(0, "mood", "sad")
    assert not read.shows(0, "mood", "smiling")


def test_the_same_step_shows_the_judge_the_same_pictures_half_of_them_decoded(cutouts: Cutouts) -> None:
    images = paint_all(draw_scenes(cutouts, 2, 0), cutouts)
    shown = Pictures(images, build_codec().requires_grad_(False))
    rows = torch.tensor([0, 1, 0, 1])
    once, again = (shown(rows, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(once, again)
    off = (once - images[rows].float() / 255).abs().mean((1, 2, 3))
    assert off[:2].min() > 2 * off[2:].max()  # an untrained decoder draws nothing
    assert torch.equal(Pictures(images, None)(rows, torch.Generator()), images[rows].float() / 255)


def test_a_cpu_decodes_a_few_pictures_once(cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Pictures(paint_all(draw_scenes(cutouts, 4, 0), cutouts), build_codec().requires_grad_(False), once=1)
    monkeypatch.setattr(AutoencoderKL, "decode", None)  # nothing is decoded any more
    rows = shown.draw(32, torch.Generator().manual_seed(3))
    assert rows[:4].tolist() == [0, 0, 0, 0]
    assert set(rows[4:].tolist()) == {0, 1, 2, 3}
    off = (shown(rows, torch.Generator().manual_seed(3)) - shown.images[rows].float() / 255).abs().mean((1, 2, 3))
    assert off[:4].min() > 2 * off[4:].max()


def test_nobody_is_asked_about_a_person_who_is_not_there(cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [Scene((Place(0, 0.5, 0.5, 0.7, 0.0, False),), "blue", "plain")]
    images, eye, answers = Pictures(paint_all(drawn, cutouts), None), build("tuner"), Answers(drawn, cutouts)
    read = list[int]()
    monkeypatch.setattr(
        eye, "read_at", lambda images, places: read.append(len(images)) or Eye.read_at(eye, images, places)
    )
    with torch.no_grad():
        found = loss_on(eye, images, answers, seed=1, batch=2)(0)
        for name in answers.people:
            answers.people[name][0, 1] = 0
        other = loss_on(eye, images, answers, seed=1, batch=2)(0)
        answers.there[0, 1] = 1
        both = loss_on(eye, images, answers, seed=1, batch=2)(0)
    assert found.isfinite()
    assert found == other != both
    assert read == [2, 2, 4]


@pytest.mark.parametrize("role", ["judge", "tuner"])
def test_training_learns_and_reports(no_node: None, tmp_path: Path, capsys, role: str) -> None:
    build_codec().save_pretrained(tmp_path / "vae")
    small = {"role": role, "figures": 8, "pictures": 16, "steps": 2, "batch": 4, "tested": 4}
    train_judge.main(tmp_path, **small)
    told = capsys.readouterr().out
    assert "eyewear" in told
    assert "error of x" in told
    assert "through the codec" in told
    before = (tmp_path / f"{role}.safetensors").read_bytes()
    train_judge.main(tmp_path, **small)  # nothing is left to be done
    assert (tmp_path / f"{role}.safetensors").read_bytes() == before


@pytest.mark.parametrize("role", ["judge", "tuner"])
def test_the_reader_goes_on_alone_from_trained_weights(no_node: None, tmp_path: Path, role: Role) -> None:
    build_codec().save_pretrained(tmp_path / "vae")
    (tmp_path / "start").mkdir()
    save(build(role), tmp_path / "start" / f"{role}.safetensors")
    small = {"role": role, "figures": 8, "pictures": 16, "steps": 2, "batch": 4, "tested": 4, "decode_once": 2}
    train_judge.main(tmp_path, start=tmp_path / "start", reader_only=True, independent=True, **small)
    assert (tmp_path / "cutouts" / "figures-2-8-independent.json").exists()
    before, after = (load_file(folder / f"{role}.safetensors") for folder in (tmp_path / "start", tmp_path))
    changed = {key for key, weights in after.items() if not torch.equal(weights, before[key])}
    assert changed
    assert all(key.startswith("reader.") for key in changed)
