"""Scenes: the same seed gives the same ones, and figures stand where it is said."""

from __future__ import annotations

import random
from dataclasses import replace

import torch

from lab.avatars.cutouts import SIZE, Cutouts
from lab.avatars.scenes import Place, Scene, draw_scene, draw_scenes, numbers_by_style, paint, paint_all
from lab.avatars.truth import about_people


def alone(x: float = 0.5, scale: float = 0.5, flipped: bool = False) -> Scene:
    return Scene((Place(0, x, 0.5, scale, 0.0, flipped),), "blue", "plain")


def test_a_seed_gives_the_same_scenes_again(cutouts: Cutouts) -> None:
    once, again = draw_scenes(cutouts, 12, 5), draw_scenes(cutouts, 12, 5)
    assert once == again
    assert once != draw_scenes(cutouts, 12, 6)
    assert torch.equal(paint_all(once, cutouts), paint_all(again, cutouts))


def test_a_figure_changes_nothing_outside_of_its_frame(cutouts: Cutouts) -> None:
    scene = alone(x=0.25)
    ground = paint(replace(scene, places=()), cutouts)
    changed = (paint(scene, cutouts) != ground).any(0)
    assert changed.any()
    assert not changed[:, SIZE // 2 + 1 :].any()
    assert not changed[: SIZE // 4 - 1].any()


def test_a_flipped_figure_is_mirrored(cutouts: Cutouts) -> None:
    assert torch.equal(paint(alone(flipped=True), cutouts), paint(alone(), cutouts).flip(-1))


def test_two_figures_are_different_people_of_one_style_side_by_side(cutouts: Cutouts) -> None:
    rng = random.Random(0)
    for _ in range(30):
        scene = draw_scene(numbers_by_style(cutouts), rng, pairs=1.0)
        left, right = scene.places
        assert left.x < 0.4
        assert right.x > 0.6
        assert left.figure != right.figure
        assert cutouts.figures[left.figure].style == cutouts.figures[right.figure].style
        assert [person["side"] for person in about_people(scene, cutouts.figures)] == ["left", "right"]


def test_places_are_told_in_words_with_a_gap_between_them(cutouts: Cutouts) -> None:
    def about(scene: Scene) -> dict[str, str]:
        return about_people(scene, cutouts.figures)[0]

    assert about(alone(x=0.3))["side"] == "left"
    assert about(alone(x=0.5))["side"] == "middle"
    assert "side" not in about(alone(x=0.43))
    assert about(alone(scale=0.5))["size"] == "small"
    assert about(alone(scale=0.9))["size"] == "large"
    assert "size" not in about(alone(scale=0.7))
