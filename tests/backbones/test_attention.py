"""Which models show their attention, and that what they show is what they go on from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch
from torch import Tensor

from attrbank.backbones.families import load
from attrbank.diffusion.attention import Layer, attention_of
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import IncompatibleError
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.plugin.testing import BackboneContract
from attrbank.samplers.ddim import DDIM

T = 500


def even(probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
    return torch.full_like(probabilities, 1 / probabilities.shape[-1])


def given(rows: int = 2):
    model = tiny_backbone()
    return model, torch.randn(rows, *model.latent_shape), model.encode_prompts(["a photo of a man"] * rows)


@pytest.mark.parametrize("family", ["tiny_pipeline", "tiny_pipeline_xl", "tiny_ddpm", "tiny_ldm"])
def test_every_family_with_a_unet_shows_it(family: str, request: pytest.FixtureRequest) -> None:
    model = load(str(request.getfixturevalue(family)))
    x = torch.randn(1, *model.latent_shape)
    assert model.attention(x, T, model.encode_prompts([""]))
    suite = type("Suite", (BackboneContract,), {"make": lambda self: model})()
    suite.test_its_attention_is_where_it_says()


@pytest.mark.parametrize("family", ["tiny_sd3", "tiny_flux"])
def test_a_transformer_has_none_and_is_refused_with_the_name_of_what_it_lacks(
    family: str, request: pytest.FixtureRequest
) -> None:
    model = load(str(request.getfixturevalue(family)))
    with pytest.raises(IncompatibleError, match=r"Prompt-to-prompt acts on a UNet's attention.* it has no attention"):
        attention_of(model, "Prompt-to-prompt")


def test_layers_say_whether_they_look_at_the_prompt_and_from_where() -> None:
    model, x, conditioning = given()
    shown = model.attention(x, T, conditioning)
    assert {layer.name.rsplit(".", 1)[1] for layer in shown if layer.cross} == {"attn2"}
    assert {layer.name.rsplit(".", 1)[1] for layer in shown if not layer.cross} == {"attn1"}
    assert {tuple(p.shape[2:]) for layer, p in shown.items() if layer.cross} == {
        (layer.size[0] * layer.size[1], conditioning["text"].shape[1]) for layer in shown
    }


def test_what_is_shown_is_where_the_network_looks() -> None:
    """All weight on the first position is what a prompt would make that says the same at every position."""
    model, x, conditioning = given()
    first = {"text": conditioning["text"][:, :1].expand_as(conditioning["text"]).contiguous()}
    expected = model.predict(x, T, first).eps

    def at_the_first(probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        return torch.eye(probabilities.shape[-1])[0].expand_as(probabilities)

    found = model.attending(at_the_first, lambda layer: layer.cross).predict(x, T, conditioning).eps
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_changes_of_changes_follow_one_another() -> None:
    model, x, conditioning = given()
    one_by_one = model.attending(even).attending(lambda p, layer, t: 2 * p)
    at_once = model.attending(lambda p, layer, t: 2 * even(p, layer, t))
    assert torch.equal(one_by_one.predict(x, T, conditioning).eps, at_once.predict(x, T, conditioning).eps)


def test_of_a_guided_run_only_the_rows_with_the_prompt_are_changed() -> None:
    model, _, conditioning = given(1)
    sizes, seen = [], {}

    def change(probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        sizes.append(len(probabilities))
        return even(probabilities, layer, timestep)

    def watched(latent: Tensor, timestep: int, conditioning):
        seen["eps"] = plain(latent, timestep, conditioning).eps
        return plain(latent, timestep, conditioning)

    changed = model.attending(change)
    plain, changed.predict = changed.predict, watched
    run = Trajectory(changed, DDIM(), grid=DDIM().grid(4, model.schedule), guidance_scale=3.0)
    position = run.start([7])
    run.predict(position, conditioning)
    assert set(sizes) == {1}
    t = run.grid[0][0]
    without = model.predict(position.latent, t, model.encode_prompts([""])).eps
    torch.testing.assert_close(seen["eps"][:1], without, atol=1e-5, rtol=1e-4)
    with_prompt = model.attending(even).predict(position.latent, t, conditioning).eps
    torch.testing.assert_close(seen["eps"][1:], with_prompt, atol=1e-5, rtol=1e-4)


def test_attention_can_be_differentiated() -> None:
    model, x, conditioning = given()
    leaf = x.requires_grad_()
    shown = model.attention(leaf, T, conditioning)
    (gradient,) = torch.autograd.grad(sum(p.square().sum() for p in shown.values()), leaf)
    assert float(gradient.abs().max()) > 0


def test_a_change_is_its_own_threads_alone() -> None:
    """Pictures are drawn side by side by one network, with the change and without."""
    model, x, conditioning = given()
    both = Barrier(2, timeout=60)

    def change(probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        if not both.broken and not layer.cross:
            both.wait()  # the other thread begins while this one is half-way through the network
            both.wait()
            both.abort()
        return even(probabilities, layer, timestep)

    def plain() -> Tensor:
        both.wait()
        eps: Tensor = model.predict(x, T, conditioning).eps
        both.wait()
        return eps

    with ThreadPoolExecutor(2) as pool:
        changed = pool.submit(lambda: model.attending(change).predict(x, T, conditioning).eps)
        unchanged = pool.submit(plain)
    assert torch.equal(unchanged.result(), model.predict(x, T, conditioning).eps)
    assert torch.equal(changed.result(), model.attending(even).predict(x, T, conditioning).eps)


def test_in_half_precision_attention_comes_and_goes_in_float32(tiny_pipeline) -> None:
    model = load(str(tiny_pipeline), Placement(dtype="bfloat16"))
    x, conditioning = torch.randn(1, *model.latent_shape), model.encode_prompts(["a photo"])
    assert {p.dtype for p in model.attention(x, T, conditioning).values()} == {torch.float32}
    plain = model.predict(x, T, conditioning).eps
    assert torch.equal(model.attending(lambda p, layer, t: p).predict(x, T, conditioning).eps, plain)
    assert not torch.equal(model.attending(even).predict(x, T, conditioning).eps, plain)
