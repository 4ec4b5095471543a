"""The Jacobian of what a UNet makes at its bottleneck, against finite differences and against itself."""

from __future__ import annotations

import pytest
import torch

from attrbank.diffusion.features import FeatureMap
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import IncompatibleError
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.samplers.ddim import DDIM

PROMPT = "a photo of a person"


@pytest.fixture
def run() -> Trajectory:
    model = tiny_backbone()
    return Trajectory(model, DDIM(), grid=DDIM().grid(8, model.schedule), guidance_scale=3.0, batch_size=2)


@pytest.fixture
def shown(run: Trajectory) -> FeatureMap:
    return FeatureMap(run, 4, run.conditioning(PROMPT))


def features(run: Trajectory, x: torch.Tensor) -> torch.Tensor:
    told = {name: tensor.expand(len(x), *tensor.shape[1:]) for name, tensor in run.conditioning(PROMPT).items()}
    with torch.no_grad():
        return run.backbone.features(x, run.grid[4][0], told)


def test_a_push_forward_is_the_derivative_along_a_direction(run: Trajectory, shown: FeatureMap) -> None:
    x, tangent = torch.randn(2, 3, *run.backbone.latent_shape)
    step = 1e-2
    ahead, behind = (features(run, x + sign * step * tangent) for sign in (1, -1))
    torch.testing.assert_close(shown.push_forward(x, tangent), (ahead - behind) / (2 * step), atol=5e-3, rtol=5e-3)


def test_a_pull_back_is_the_transpose_of_a_push_forward(run: Trajectory, shown: FeatureMap) -> None:
    x, tangent = torch.randn(2, 3, *run.backbone.latent_shape)
    pushed = shown.push_forward(x, tangent)
    cotangent = torch.randn(pushed.shape)
    pulled = shown.pull_back(x, cotangent)
    each = (pushed * cotangent).flatten(1).sum(1), (pulled * tangent).flatten(1).sum(1)
    torch.testing.assert_close(*each, atol=1e-3, rtol=1e-4)
    assert not pulled.requires_grad


def test_they_count_as_three_rows_and_as_two_whatever_the_guidance(run: Trajectory, shown: FeatureMap) -> None:
    x = torch.randn(3, *run.backbone.latent_shape)
    pushed = shown.push_forward(x, x)
    assert run.evaluations == 2 * 3
    shown.pull_back(x, pushed)
    assert run.evaluations == 2 * 3 + 3 * 3


def test_a_model_without_a_bottleneck_is_refused(run: Trajectory) -> None:
    class Transformer:
        name = "a transformer"

    run.backbone = Transformer()
    with pytest.raises(IncompatibleError, match="acts at the bottleneck of a UNet, and a transformer shows none"):
        FeatureMap(run, 4, {})
