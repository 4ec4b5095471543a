"""Damage: it is done where figures are, and the detector learns on any device."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from attrbank_avatars.damage import Damage, load

from lab.avatars import train_damage
from lab.avatars.codec import build as build_codec
from lab.avatars.cutouts import Cutouts
from lab.avatars.damage import DAMAGES, _half, spoiled
from lab.avatars.scenes import draw_scenes, paint_all
from lab.spoiling import Chance


@pytest.fixture
def images(cutouts: Cutouts) -> torch.Tensor:
    return paint_all(draw_scenes(cutouts, 7, 0), cutouts).float() / 255


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_changes_a_part_of_a_picture(images: torch.Tensor, name: str) -> None:
    chance = Chance(len(images), torch.Generator().manual_seed(1))
    changed = (DAMAGES[name](images, chance) - images).abs().amax(1) > 0.05
    shares = changed.float().mean((1, 2))
    assert (shares > 0).sum() >= 6  # a hole may have the colour of its place
    assert shares.max() < 0.7


def test_every_picture_is_spoiled_in_its_own_way(images: torch.Tensor) -> None:
    once = spoiled(images, torch.Generator().manual_seed(2))
    assert torch.equal(once, spoiled(images, torch.Generator().manual_seed(2)))
    assert ((once - images).abs().flatten(1).amax(1) > 0).sum() >= 6
    assert once.min() >= 0
    assert once.max() <= 1


def test_half_a_pair_of_glasses_ends_in_its_middle(cutouts: Cutouts) -> None:
    bare = cutouts.pictures[0]
    worn = bare.copy()
    worn[40:50, 30:71] = 7
    for left in (True, False):
        half = _half(worn, bare, left)
        changed = (half != bare).any((0, 2)).nonzero()[0]
        assert changed.min() >= (30 if left else 50)
        assert changed.max() <= (50 if left else 70)


def test_a_detector_is_small_and_gives_one_number(images: torch.Tensor) -> None:
    assert Damage().eval().read(images, batch=3).shape == (7,)
    assert sum(parameter.numel() for parameter in Damage().parameters()) < 750_000


def test_training_learns_and_reports(no_node: None, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.avatars.train_judge.SETTLING", 2)
    build_codec().save_pretrained(tmp_path / "vae")
    train_damage.main(tmp_path, figures=24, scenes=8, steps=2, batch=8, tested=8)
    told = capsys.readouterr().out
    assert "threshold" in told
    assert all(f"damage: {name} seen" in told for name in (*DAMAGES, "half glasses"))
    assert (tmp_path / "damage.safetensors").stat().st_size < 1_500_000
    assert load(tmp_path / "damage.safetensors").threshold != 0  # so that whoever loads it knows where damage begins
