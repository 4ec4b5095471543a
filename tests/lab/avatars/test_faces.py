"""Where moods show: masks from drawings that differ, laid over scenes as figures are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from attrbank_avatars.truth import values_of

from lab.avatars import cutouts as drawing, faces
from lab.avatars.cutouts import SIZE, Cutouts
from lab.avatars.painting import Bank
from lab.avatars.scenes import Place, Scene

MOUTH = (slice(80, 96), slice(56, 72))


def test_another_mood_is_one_that_the_style_has_and_nothing_else_changes(cutouts: Cutouts):
    for figure in cutouts.figures:
        other = faces.other_mood(figure)
        assert other.traits["mood"] in values_of(figure.style, "mood")
        assert {name for name in figure.traits if figure.traits[name] != other.traits[name]} == {"mood"}


@pytest.fixture
def bank(cutouts: Cutouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """Figures whose mouth, and nothing else, is drawn otherwise when they are drawn again."""

    def draw_again(figures) -> Cutouts:
        pictures = cutouts.pictures[: len(figures)].copy()
        pictures[:, *MOUTH] = 255 - pictures[:, *MOUTH]
        return Cutouts(figures, pictures)

    found = Bank(tmp_path, len(cutouts), 3)
    monkeypatch.setattr(drawing, "draw", draw_again)
    monkeypatch.setattr(Bank, "load", lambda _: cutouts)
    faces.faces_of.cache_clear()
    return found


def test_a_face_is_what_changes_and_is_read_again_from_disk(bank: Bank, monkeypatch: pytest.MonkeyPatch):
    found = faces.faces_of(bank)
    assert found[:, *MOUTH].all()
    assert found.sum() == len(found) * 16 * 16
    faces.faces_of.cache_clear()
    monkeypatch.setattr(drawing, "draw", lambda _: pytest.fail("drawn twice"))
    assert np.array_equal(faces.faces_of(bank), found)


def test_a_mask_lies_where_its_figure_stands(bank: Bank):
    upright = Place(0, 0.5, 0.5, 1.0, 0.0, False)
    masks = faces.faces_of(bank)
    others = (replace(upright, x=0.75), replace(upright, flipped=True), replace(upright, scale=0.5))
    scenes = [Scene((place,), "blue", "plain") for place in (upright, *others)]
    whole, moved, mirrored, small = faces.cells_of(scenes, masks)
    assert whole.shape == (SIZE // 4, SIZE // 4)
    assert np.argwhere(whole).min(0).tolist() == [20, 14]
    assert np.argwhere(whole).max(0).tolist() == [23, 17]
    assert np.array_equal(moved, np.roll(whole, 8, axis=1))
    assert np.array_equal(mirrored, whole[:, ::-1])
    assert 0 < small.sum() < whole.sum()
