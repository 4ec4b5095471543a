"""Going back along a grid, and forth again."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from attrbank.diffusion.inversion import invert
from attrbank.diffusion.position import Position
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import InvalidValueError, NumericError
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM

STEPS = 10


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


def run(backbone, guidance_scale=3.0, sampler=None) -> Trajectory:
    sampler = sampler or DDIM()
    grid = sampler.grid(STEPS, backbone.schedule)
    return Trajectory(backbone, sampler, grid=grid, guidance_scale=guidance_scale)


def clean(backbone) -> Position:
    latent = torch.randn(2, *backbone.latent_shape, generator=torch.Generator().manual_seed(1))
    return Position(latent, STEPS, (7, 8))


def round_trip_error(backbone, refinements: int, guidance_scale: float) -> float:
    trajectory, start = run(backbone, guidance_scale), clean(backbone)
    conditioning = backbone.encode_prompts(["a photo of a person"])
    back = invert(trajectory, start, conditioning, 0, refinements=refinements)
    assert (back.index, back.seeds) == (0, (7, 8))
    return float((trajectory.run(back, conditioning).latent - start.latent).square().mean().sqrt())


@pytest.mark.parametrize("guidance_scale", [1.0, 3.0])
def test_every_refinement_comes_nearer_to_the_latent_it_left(backbone, guidance_scale):
    errors = [round_trip_error(backbone, refinements, guidance_scale) for refinements in range(4)]
    assert all(later < 0.95 * earlier for earlier, later in pairwise(errors)), errors


def test_enough_refinements_lead_back_to_the_very_noise_of_a_generated_picture(backbone):
    trajectory, conditioning = run(backbone), backbone.encode_prompts(["a photo of a person"])
    noise = trajectory.start((7,))
    picture = trajectory.run(noise, conditioning)
    back = invert(trajectory, picture, conditioning, 0, refinements=30)
    torch.testing.assert_close(back.latent, noise.latent, atol=1e-3, rtol=1e-3)


def test_it_stops_where_it_is_told_and_costs_what_it_says(backbone):
    trajectory, reached = run(backbone), []
    conditioning = backbone.encode_prompts(["a photo of a person"])
    half = invert(trajectory, clean(backbone), conditioning, 6, refinements=1, on_step=reached.append)
    assert half.index == 6
    assert [position.index for position in reached] == [9, 9, 8, 8, 7, 7, 6, 6]
    assert trajectory.evaluations == 2 * 2 * 8  # rows, prompts, predictions
    whole = invert(run(backbone), clean(backbone), conditioning, 0, refinements=1)
    assert torch.equal(invert(trajectory, half, conditioning, 0, refinements=1).latent, whole.latent)


def test_what_cannot_go_back_says_so(backbone):
    conditioning = backbone.encode_prompts([""])
    with pytest.raises(InvalidValueError, match="Cannot go back"):
        invert(run(backbone), Position(clean(backbone).latent, 3, (0, 1)), conditioning, 4)
    with pytest.raises(InvalidValueError, match="cannot be inverted"):
        invert(run(backbone, sampler=DDPM()), clean(backbone), conditioning, 0)
    with pytest.raises(NumericError, match="not finite"):
        invert(
            run(backbone), Position(torch.full((1, *backbone.latent_shape), torch.inf), STEPS, (0,)), conditioning, 0
        )
