"""Which models show their bottleneck, and that what they show is what they go on from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from attrbank.backbones.families import load
from attrbank.diffusion.bottleneck import bottleneck_of
from attrbank.diffusion.placement import Placement
from attrbank.errors import IncompatibleError
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.plugin.testing import BackboneContract

T = 500


@pytest.mark.parametrize("family", ["tiny_pipeline_xl", "tiny_ddpm", "tiny_ldm"])
def test_every_family_with_a_unet_shows_it(family: str, request: pytest.FixtureRequest) -> None:
    model = load(str(request.getfixturevalue(family)))
    suite = type("Suite", (BackboneContract,), {"make": lambda self: model})()
    suite.test_the_bottleneck_is_where_it_says()


@pytest.mark.parametrize("family", ["tiny_sd3", "tiny_flux"])
def test_a_transformer_has_none_and_is_refused_with_the_name_of_what_it_lacks(
    family: str, request: pytest.FixtureRequest
) -> None:
    model = load(str(request.getfixturevalue(family)))
    with pytest.raises(IncompatibleError, match=r"Asyrp acts at the bottleneck .* it has no features"):
        bottleneck_of(model, "Asyrp")


def given(rows: int = 2):
    model = tiny_backbone()
    return model, torch.randn(rows, *model.latent_shape), model.encode_prompts(["a photo of a man"] * rows)


def test_features_are_what_the_mid_block_makes() -> None:
    model, x, conditioning = given()
    made: list[torch.Tensor] = []
    handle = model.unet.mid_block.register_forward_hook(lambda *call: made.append(call[-1]))
    try:
        model.predict(x, T, conditioning)
    finally:
        handle.remove()
    assert torch.equal(bottleneck_of(model, "this test").features(x, T, conditioning), made[0])


def test_changes_of_changes_follow_one_another() -> None:
    model, x, conditioning = given()
    one_by_one = model.injecting(lambda h, t: h + 1).injecting(lambda h, t: 2 * h)
    at_once = model.injecting(lambda h, t: 2 * (h + 1))
    expected = at_once.predict(x, T, conditioning).eps
    assert torch.equal(one_by_one.predict(x, T, conditioning).eps, expected)
    torch.testing.assert_close(
        one_by_one.features(x, T, conditioning), 2 * (model.features(x, T, conditioning) + 1), atol=0, rtol=0
    )


def test_features_can_be_differentiated() -> None:
    model, x, conditioning = given()
    leaf = x.requires_grad_()
    (gradient,) = torch.autograd.grad(model.features(leaf, T, conditioning).square().sum(), leaf)
    assert bool(gradient.isfinite().all())
    assert float(gradient.abs().max()) > 0


def test_a_change_is_its_own_threads_alone() -> None:
    """Pictures are drawn side by side by one network, with the change and without."""
    model, x, conditioning = given()
    both = Barrier(2, timeout=60)

    def change(h: torch.Tensor, timestep: int) -> torch.Tensor:
        both.wait()  # the other thread begins while this one is half-way through the network
        both.wait()
        return h + 1

    def plain() -> torch.Tensor:
        both.wait()
        eps: torch.Tensor = model.predict(x, T, conditioning).eps
        both.wait()
        return eps

    with ThreadPoolExecutor(2) as pool:
        changed = pool.submit(lambda: model.injecting(change).predict(x, T, conditioning).eps)
        unchanged = pool.submit(plain)
    assert torch.equal(unchanged.result(), model.predict(x, T, conditioning).eps)
    assert torch.equal(changed.result(), model.injecting(lambda h, t: h + 1).predict(x, T, conditioning).eps)


def test_in_half_precision_features_come_and_go_in_float32(tiny_pipeline) -> None:
    model = load(str(tiny_pipeline), Placement(dtype="bfloat16"))
    x, conditioning = torch.randn(1, *model.latent_shape), model.encode_prompts(["a photo"])
    assert model.features(x, T, conditioning).dtype == torch.float32
    kept = model.injecting(lambda h, t: h).predict(x, T, conditioning).eps
    assert torch.equal(kept, model.predict(x, T, conditioning).eps)


def test_a_unet_without_a_mid_block_says_so() -> None:
    model, x, conditioning = given()
    unet, model = model.unet, model.injecting(lambda h, t: h)
    model.unet = type("Unet", (), {"mid_block": None, "__call__": lambda self, *a, **b: unet(*a, **b)})()
    for act in (lambda: model.features(x, T, conditioning), lambda: model.injecting(lambda h, t: h)):
        with pytest.raises(IncompatibleError, match="has no mid block"):
            act()
