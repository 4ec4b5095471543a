"""The judge: it reads frames, wherever they are, and is only asked what can be seen."""

from __future__ import annotations

from pathlib import Path

import torch

from lab.avatars import train_judge
from lab.avatars.cutouts import Cutouts
from lab.avatars.judge import GEOMETRY, TRAITS_READ, Judge, SceneRead, crop, load, save
from lab.avatars.scenes import Place, Scene, draw_scenes, paint, paint_all
from lab.avatars.train_judge import UNSEEN, Answers
from lab.avatars.truth import PICTURE


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
    torch.testing.assert_close(answers.geometry[0, 0], torch.tensor([0.5, 0.5, 0.7, 0.5, 1.0]))
    assert PICTURE["pattern"][answers.picture["pattern"]] == "dotted"


def test_a_judge_is_stored_and_reads_in_words(cutouts: Cutouts, tmp_path: Path) -> None:
    save(Judge(), tmp_path / "judge.safetensors")
    judge = load(tmp_path / "judge.safetensors")
    reads = judge.read(paint_all(draw_scenes(cutouts, 3, 0), cutouts).float() / 255)
    for read in reads:
        assert {name: read.picture[name] in values for name, values in PICTURE.items()} == dict.fromkeys(PICTURE, True)
        assert len(read.people) == len(read.places) == (1 if read.picture["people"] == "one" else 2)
        assert all(set(person) == set(TRAITS_READ) for person in read.people)
        assert all(set(place) == set(GEOMETRY) for place in read.places)


def test_what_is_said_of_a_place_is_looked_up_in_the_geometry() -> None:
    place = {"x": 0.3, "y": 0.5, "scale": 0.9, "tilt": 0.0, "flipped": 1.0}
    read = SceneRead({}, [{"mood": "sad"}], [place])
    assert read.shows(0, "side", "left")
    assert not read.shows(0, "side", "middle")
    assert read.shows(0, "size", "large")
    assert read.shows(0, "looks", "left")
    assert read.shows(0, "mood", "sad")
    assert not read.shows(0, "mood", "smiling")


def test_training_learns_and_reports(no_node: None, tmp_path: Path, capsys) -> None:
    train_judge.main(tmp_path, figures=8, scenes=16, steps=2, tested=4)
    told = capsys.readouterr().out
    assert "eyewear" in told
    assert "error of x" in told
    train_judge.main(tmp_path, figures=8, scenes=16, steps=2, tested=4)  # nothing is left to be done
    assert "judge: step" not in capsys.readouterr().out
