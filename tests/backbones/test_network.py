"""Whose network can be exchanged, and that nobody else sees the other one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from attrbank.backbones.families import load
from attrbank.backbones.parts.network import sharing_weights
from attrbank.diffusion.network import network_of
from attrbank.diffusion.placement import Placement
from attrbank.errors import IncompatibleError
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.plugin.testing import BackboneContract
from tests.helpers.promises import Gaussian

T = 500


@pytest.mark.parametrize("family", ["tiny_pipeline_xl", "tiny_ddpm", "tiny_ldm", "tiny_sd3", "tiny_flux"])
def test_every_family_lets_its_network_be_exchanged(family: str, request: pytest.FixtureRequest) -> None:
    model = network_of(load(str(request.getfixturevalue(family))), "this test")
    suite = type("Suite", (BackboneContract,), {"make": lambda self: model})()
    suite.test_another_network_takes_the_place_of_its_own()


def test_a_backbone_that_lets_nobody_is_refused_with_the_name_of_what_it_lacks() -> None:
    with pytest.raises(IncompatibleError, match=r"A slider changes the weights .* it has no adapting"):
        network_of(Gaussian(), "A slider")


def test_a_copy_has_modules_of_its_own_and_the_same_weights() -> None:
    unet = tiny_backbone().unet
    copied = sharing_weights(unet)
    assert {id(module) for module in copied.modules()}.isdisjoint(id(module) for module in unet.modules())
    assert [id(weight) for weight in copied.parameters()] == [id(weight) for weight in unet.parameters()]
    assert [id(weight) for weight in copied.buffers()] == [id(weight) for weight in unet.buffers()]


def test_what_was_changed_before_is_changed_in_the_other_network_as_well() -> None:
    model = tiny_backbone()
    x, conditioning = torch.randn(1, *model.latent_shape), model.encode_prompts(["a photo of a man"])
    changed = model.injecting(lambda h, t: h + 1).attending(lambda p, layer, t: torch.full_like(p, 1 / p.shape[-1]))
    expected = changed.predict(x, T, conditioning).eps
    assert torch.equal(changed.adapting(lambda network: network).predict(x, T, conditioning).eps, expected)
    assert not torch.equal(model.adapting(lambda network: network).predict(x, T, conditioning).eps, expected)


def test_a_change_that_fails_half_way_leaves_the_model_as_it_was() -> None:
    model = tiny_backbone()
    x, conditioning = torch.randn(1, *model.latent_shape), model.encode_prompts(["a photo of a man"])
    plain = model.predict(x, T, conditioning).eps

    def fails(network: nn.Module) -> nn.Module:
        network.conv_in = nn.Identity()
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        model.adapting(fails)
    assert torch.equal(model.predict(x, T, conditioning).eps, plain)


def test_in_half_precision_it_is_the_same(tiny_pipeline) -> None:
    model = load(str(tiny_pipeline), Placement(dtype="bfloat16"))
    x, conditioning = torch.randn(1, *model.latent_shape), model.encode_prompts(["a photo"])
    kept = model.adapting(lambda network: network).predict(x, T, conditioning).eps
    assert torch.equal(kept, model.predict(x, T, conditioning).eps)
