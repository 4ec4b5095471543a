"""Unconditional models make what diffusers' own pipelines make, and refuse to be told anything."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attrbank.backbones.families import describe, load
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM
from tests.helpers.tiny_families import build_ddpm, change

SEED = 3


def theirs(folder: Path, kind: str, **options: Any) -> Tensor:
    """The pictures (1, 3, h, w) that diffusers' own pipeline makes of the folder."""
    import diffusers

    with warnings.catch_warnings(action="ignore"):
        pipeline = getattr(diffusers, kind).from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(SEED)
    picture = pipeline(generator=generator, num_inference_steps=10, output_type="np", **options).images
    return torch.from_numpy(picture).permute(0, 3, 1, 2)


def ours(backbone: Backbone, sampler: DDIM | DDPM) -> Tensor:
    run = Trajectory(backbone, sampler, grid=sampler.grid(10, backbone.schedule), guidance_scale=1.0)
    return backbone.decode(run.run(run.start([SEED]), backbone.encode_prompts([""])).latent)


@pytest.mark.parametrize(
    ("kind", "sampler", "options"),
    [("DDIMPipeline", DDIM(), {"use_clipped_model_output": True}), ("DDPMPipeline", DDPM(), {})],
)
@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_pictures_are_those_of_the_pipeline(
    kind: str, sampler: DDIM | DDPM, options: dict[str, Any], clip: bool, prediction_type: str, tmp_path: Path
) -> None:
    folder = build_ddpm(tmp_path / "model", pipeline=kind, clip_sample=clip, prediction_type=prediction_type)
    torch.testing.assert_close(ours(load(str(folder)), sampler), theirs(folder, kind, **options), atol=1e-4, rtol=0)


def test_latent_model_decodes_through_its_codes(tiny_ldm: Path) -> None:
    backbone = load(str(tiny_ldm))
    assert backbone.latent_shape == (3, 16, 16)
    torch.testing.assert_close(ours(backbone, DDIM()), theirs(tiny_ldm, "LDMPipeline"), atol=1e-4, rtol=0)


def test_latents_are_pixels_and_come_back_unharmed(tiny_ddpm: Path) -> None:
    backbone = load(str(tiny_ddpm))
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    latent = backbone.encode(images)
    assert latent.shape[1:] == backbone.latent_shape
    assert float(latent.min()) < -0.9
    torch.testing.assert_close(backbone.decode(latent), images)


def test_network_and_scheduler_may_lie_at_the_top_of_the_folder(tiny_ddpm: Path, tmp_path: Path) -> None:
    """As in the folders of the first models, which diffusers still loads."""
    flat = tmp_path / "model"
    shutil.copytree(tiny_ddpm / "unet", flat)
    shutil.copy(tiny_ddpm / "scheduler" / "scheduler_config.json", flat)
    shutil.copy(tiny_ddpm / "model_index.json", flat)
    assert describe(str(flat)).fingerprint == describe(str(tiny_ddpm)).fingerprint
    assert torch.equal(ours(load(str(flat)), DDIM()), ours(load(str(tiny_ddpm)), DDIM()))


def test_clipping_keeps_noise_and_clean_latent_together(tiny_ddpm: Path) -> None:
    """Which the scheduler of diffusers does only if it is asked to."""
    backbone = load(str(tiny_ddpm))
    x = 2 * torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    eps, x0 = backbone.predict(x, 600, {})
    alpha_bar = backbone.schedule.alpha_bar(600)
    assert float(x0.abs().max()) == 1
    torch.testing.assert_close(alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * eps, x)


def test_prompt_is_refused(tiny_ddpm: Path) -> None:
    backbone = load(str(tiny_ddpm))
    assert backbone.encode_prompts(["", ""]) == {}
    with pytest.raises(InvalidValueError, match="knows no prompts"):
        backbone.encode_prompts(["", "a man"])


@pytest.mark.parametrize(
    ("path", "changes", "message"),
    [
        ("model_index.json", {"unet": ["diffusers", "UNet2DConditionModel"]}, "UNet2DConditionModel"),
        ("model_index.json", {"vqvae": ["diffusers", "AutoencoderKL"]}, "AutoencoderKL"),
        ("unet/config.json", {"num_class_embeds": 10}, "class"),
        ("unet/config.json", {"in_channels": 1}, "1 channels"),
        ("unet/config.json", {"out_channels": 6}, "channels"),
        ("unet/config.json", {"sample_size": None}, "no shape"),
        ("scheduler/scheduler_config.json", {"prediction_type": "sample"}, "sample"),
        ("scheduler/scheduler_config.json", {"clip_sample_range": "wide"}, "clip_sample_range"),
        ("scheduler/scheduler_config.json", {"clip_sample_range": 0}, "clip_sample_range"),
    ],
)
def test_model_of_another_kind_is_refused(
    tiny_ddpm: Path, tmp_path: Path, path: str, changes: dict[str, Any], message: str
) -> None:
    folder = shutil.copytree(tiny_ddpm, tmp_path / "model")
    change(folder / path, **changes)
    with pytest.raises(IncompatibleError, match=message):
        describe(str(folder))
