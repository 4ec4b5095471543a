"""Which pipelines an attribute acts in: those of its model, however people run that, and no others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import accelerate
import pytest
import torch
from torch import Tensor

from attrbank.attribute.artifact import encode
from attrbank.backbones.stable_diffusion import loaded
from attrbank.diffusers import AttributeCallback
from attrbank.errors import IncompatibleError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from tests.helpers.pipelines import (
    GUIDANCE,
    SOURCE,
    STEPS,
    TARGET,
    our_latent,
    their_latent,
    warnings_of,
    with_scheduler,
)


def test_unipc_is_refused_with_the_reason(pipeline, bank):
    with pytest.raises(IncompatibleError, match="discards an edit"):
        their_latent(with_scheduler(pipeline, "UniPCMultistepScheduler"), AttributeCallback("old", bank=bank))


def test_packed_latents_are_refused(pipeline, bank):
    pipeline.scheduler.set_timesteps(STEPS)
    packed = {"latents": torch.zeros(1, 64, 64)}
    with pytest.raises(IncompatibleError, match="packs its latents"):
        AttributeCallback("old", bank=bank)(pipeline, 0, pipeline.scheduler.timesteps[0], packed)


def test_latents_of_another_size_are_refused(pipeline, bank):
    with pytest.raises(IncompatibleError, match="latent shape 4×16×16"):
        their_latent(pipeline, AttributeCallback("old", bank=bank), height=48, width=32)


def test_another_model_is_refused(pipeline, bank):
    with torch.no_grad():
        pipeline.unet.conv_in.weight += 0.1
    with pytest.raises(IncompatibleError, match="fingerprint"):
        their_latent(pipeline, AttributeCallback("old", bank=bank))


def test_other_weights_of_the_attention_are_another_model_unless_it_is_forced(pipeline, bank):
    """As after fuse_lora."""
    with torch.no_grad():
        pipeline.unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight += 0.1
    with pytest.raises(IncompatibleError, match="fingerprint"):
        their_latent(pipeline, AttributeCallback("old", bank=bank))
    with pytest.warns(UserWarning, match="has other weights"):
        forced = their_latent(pipeline, AttributeCallback("old", bank=bank, force=True))
    assert not torch.equal(forced, their_latent(pipeline))


class Adapted(torch.nn.Module):
    """A layer as PEFT wraps one: its own weights one level down, those of the adapter beside them."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.base_layer = layer
        self.lora_A = torch.nn.Conv2d(4, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base_layer(x)


def test_an_adapter_on_any_layer_makes_another_model_that_can_be_forced(pipeline, bank):
    pipeline.unet.conv_in = Adapted(pipeline.unet.conv_in)
    with pytest.raises(IncompatibleError, match="fingerprint"):
        their_latent(pipeline, AttributeCallback("old", bank=bank))
    with pytest.warns(UserWarning, match="has other weights"):
        forced = their_latent(pipeline, AttributeCallback("old", bank=bank, force=True))
    assert not torch.equal(forced, their_latent(pipeline))


def test_the_weights_are_read_once_a_run_for_all_attributes(pipeline, bank, monkeypatch):
    times = Counter()
    read = loaded.tensor_digest
    monkeypatch.setattr(loaded, "tensor_digest", lambda *tensor: times.update(["read"]) or read(*tensor))
    callback = AttributeCallback("old", "older", bank=bank)
    their_latent(pipeline, callback)
    assert times["read"] == len(pipeline.unet.state_dict())
    their_latent(pipeline, callback)
    assert times["read"] == 2 * len(pipeline.unet.state_dict())


def compiled(unet: Any) -> Any:
    return torch.compile(unet, backend="eager")


def offloaded(unet: Any) -> Any:
    accelerate.cpu_offload(unet, execution_device=torch.device("cpu"))
    assert unet.conv_in.weight.is_meta
    return unet


def cast_layer_by_layer(unet: Any) -> Any:
    unet.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    return unet


TOO_COARSE = "do not tell whether"


@pytest.mark.parametrize(("change", "told"), [(compiled, []), (offloaded, []), (cast_layer_by_layer, [TOO_COARSE])])
def test_the_ways_in_which_people_run_a_unet_leave_it_the_same_model(change, told, pipeline, bank):
    pipeline.unet = change(pipeline.unet)
    pipeline.scheduler.set_timesteps(STEPS)
    given = {"latents": torch.zeros(1, 4, 16, 16)}
    callback = AttributeCallback("old", bank=bank)
    warned = warnings_of(lambda: callback(pipeline, 0, pipeline.scheduler.timesteps[0], given))
    assert [TOO_COARSE for text in warned if TOO_COARSE in text] == told


def test_an_offloaded_unet_of_other_weights_is_found_out(pipeline, bank):
    with torch.no_grad():
        pipeline.unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight += 0.1
    pipeline.unet = offloaded(pipeline.unet)
    pipeline.scheduler.set_timesteps(STEPS)
    given = {"latents": torch.zeros(1, 4, 16, 16)}
    with pytest.raises(IncompatibleError, match="fingerprint"):
        AttributeCallback("old", bank=bank)(pipeline, 0, pipeline.scheduler.timesteps[0], given)


def test_an_attribute_of_xl_acts_in_its_own_pipeline_and_not_in_another(tiny_pipeline_xl, pipeline, tmp_path):
    from diffusers import DDIMScheduler, StableDiffusionXLPipeline

    backbone = load_plugins().backbone(str(tiny_pipeline_xl))
    spec = complete(learn_spec("xl", [SOURCE], [TARGET], seeds=(0, 1), steps=STEPS, guidance_scale=GUIDANCE), backbone)
    Bank(tmp_path).add(encode(learn_attribute(spec, Avi(), backbone, load_plugins().sampler("ddim"))))
    theirs = StableDiffusionXLPipeline.from_pretrained(tiny_pipeline_xl, add_watermarker=False)
    theirs.set_progress_bar_config(disable=True)
    theirs.scheduler = DDIMScheduler.from_config(theirs.scheduler.config)
    found = their_latent(theirs, AttributeCallback("xl", bank=tmp_path))
    expected = our_latent(backbone, tmp_path, load_plugins().sampler("ddim"), xl=1.0)
    assert float((found - expected).abs().max()) < 1e-3
    with pytest.raises(IncompatibleError, match="family"):
        their_latent(pipeline, AttributeCallback("xl", bank=tmp_path))


@pytest.mark.filterwarnings(f"ignore:.*{TOO_COARSE}")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_in_half_precision_is_the_same_model(pipeline, bank, dtype):
    pipeline.unet.to(dtype)
    pipeline.scheduler.set_timesteps(STEPS)
    latents = torch.randn(1, 4, 16, 16, dtype=dtype)
    callback = AttributeCallback("old", bank=bank)
    for index, t in enumerate(pipeline.scheduler.timesteps):
        given = callback(pipeline, index, t, {"latents": latents})
        assert given["latents"].dtype is dtype
