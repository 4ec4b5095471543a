"""Perfect edits differ in one thing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.avatars import counterfactuals, cutouts


def test_only_the_trait_and_the_picture_of_the_person_change(no_node: None, monkeypatch) -> None:
    monkeypatch.setattr(counterfactuals, "draw", cutouts.draw)
    pairs = counterfactuals.draw_counterfactuals("eyewear", "none", "sunglasses", 4, seed=1)
    assert pairs.before.shape == pairs.after.shape == (4, 3, 128, 128)
    for number in range(4):
        before, after = pairs.cutouts.figures[number], pairs.cutouts.figures[number + 4]
        assert after == before.with_trait("eyewear", "sunglasses")
        assert before == replace(after, traits={**after.traits, "eyewear": "none"})


def test_a_change_that_a_hat_hides_is_no_example(no_node: None, monkeypatch) -> None:
    monkeypatch.setattr(counterfactuals, "draw", cutouts.draw)
    pairs = counterfactuals.draw_counterfactuals("hair", "black", "red", 20, seed=1)
    for before, after in zip(pairs.cutouts.figures[:20], pairs.cutouts.figures[20:], strict=True):
        assert before.seen()["hair"] == "black"
        assert after.seen()["hair"] == "red"
        assert before.options().get("head") == after.options().get("head")


def test_what_no_style_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="No style can change hair"):
        counterfactuals.draw_counterfactuals("hair", "red", "rainbow", 1, seed=1)


def test_glasses_are_drawn_on_the_face_alone() -> None:
    """The one test that asks the designers' packages; left out where they are not installed."""
    if not (cutouts.DRAW / "node_modules").exists():
        pytest.skip("npm ci was not run in lab/avatars/draw")
    pairs = counterfactuals.draw_counterfactuals("eyewear", "none", "sunglasses", 4, seed=2)
    changed = (pairs.before != pairs.after).any(1)
    assert changed.flatten(1).any(1).all()
    assert changed.float().mean() < 0.1
