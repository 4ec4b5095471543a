"""Models that were distilled to few steps run as they were made to, or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

from attrbank.backbones.families import describe, load
from attrbank.backbones.stable_diffusion.load import embed_guidance
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import IncompatibleError
from attrbank.plugin.tiny import UNET
from attrbank.samplers.ddim import DDIM

PROMPT = "a photo of a man"


def reconfigure(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def folder(tiny_pipeline: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_pipeline, tmp_path / "model")


@pytest.fixture
def consistent(folder: Path) -> Path:
    """One whose UNet takes the guidance scale as an input."""
    torch.manual_seed(0)
    UNet2DConditionModel(**UNET, cross_attention_dim=32, time_cond_proj_dim=16).save_pretrained(folder / "unet")
    reconfigure(folder / "scheduler" / "scheduler_config.json", _class_name="LCMScheduler")
    return folder


def our_latent(folder: Path, scale: float, steps: int = 5) -> torch.Tensor:
    backbone = load(str(folder))
    trajectory = Trajectory(backbone, DDIM(), grid=DDIM().grid(steps, backbone.schedule), guidance_scale=scale)
    return trajectory.run(trajectory.start([0]), backbone.encode_prompts([PROMPT])).latent


def their_latent(folder: Path, scale: float, **scheduler: Any) -> torch.Tensor:
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config, **scheduler)
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    latent: torch.Tensor = pipeline(
        PROMPT, num_inference_steps=5, guidance_scale=scale, latents=latents, output_type="latent"
    ).images
    return latent


@pytest.mark.parametrize("scale", [0.0, 1.0, 8.5])
def test_a_network_that_takes_the_scale_is_given_it_as_in_diffusers(consistent: Path, scale: float) -> None:
    theirs = their_latent(consistent, scale, timestep_spacing="trailing")
    torch.testing.assert_close(our_latent(consistent, scale), theirs, atol=1e-3, rtol=1e-3)


def test_the_scale_makes_a_difference(consistent: Path) -> None:
    assert not torch.allclose(our_latent(consistent, 2.0), our_latent(consistent, 8.0), atol=1e-3)


@pytest.mark.parametrize("width", [16, 17])
def test_the_scale_is_embedded_as_in_diffusers(width: int) -> None:
    scales = torch.tensor([1.0, 7.5, 0.0])
    expected = StableDiffusionPipeline.get_guidance_scale_embedding(None, scales - 1, embedding_dim=width)
    torch.testing.assert_close(embed_guidance(scales, width), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 7.5])
def test_guidance_of_any_scale_is_that_of_diffusers(tiny_pipeline: Path, scale: float) -> None:
    torch.testing.assert_close(our_latent(tiny_pipeline, scale), their_latent(tiny_pipeline, scale), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("scheduler", "steps", "scale", "spacing"),
    [
        ({"_class_name": "LCMScheduler"}, 4, 1.0, "trailing"),
        ({"_class_name": "TCDScheduler"}, 4, 1.0, "trailing"),
        ({"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}, 4, 1.0, "trailing"),
        ({"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"}, 4, 1.0, "trailing"),
        ({"_class_name": "EulerDiscreteScheduler"}, 50, 7.5, "leading"),
        ({"_class_name": "DDIMScheduler", "timestep_spacing": "trailing"}, 50, 7.5, "trailing"),
        (
            {
                "_class_name": "EulerDiscreteScheduler",
                "timestep_spacing": "trailing",
                "prediction_type": "v_prediction",
            },
            50,
            7.5,
            "trailing",
        ),
    ],
)
def test_steps_and_guidance_follow_the_kind_of_scheduler(
    scheduler: dict[str, Any], steps: int, scale: float, spacing: str, folder: Path
) -> None:
    reconfigure(folder / "scheduler" / "scheduler_config.json", **scheduler)
    model = describe(str(folder))
    assert (model.defaults.steps, model.defaults.guidance_scale, model.schedule.spacing) == (steps, scale, spacing)
    (folder / "attrbank.json").write_text('{"steps": 7, "guidance_scale": 2.5}')
    assert (describe(str(folder)).defaults.steps, describe(str(folder)).defaults.guidance_scale) == (7, 2.5)


def test_a_latent_consistency_folder_is_known(consistent: Path) -> None:
    reconfigure(consistent / "model_index.json", _class_name="LatentConsistencyModelPipeline")
    model = describe(str(consistent))
    assert (model.guidance, model.defaults.steps, model.defaults.guidance_scale) == ("embedded", 4, 8.5)


@pytest.mark.parametrize(
    "told",
    [
        {"class_embed_type": "projection"},
        {"num_class_embeds": 10},
        {"encoder_hid_dim_type": "image_proj"},
        {"addition_embed_type": "text_time"},
        {"addition_embed_type": "text"},
    ],
)
def test_a_network_that_wants_to_be_told_more_is_refused_before_it_is_loaded(
    told: dict[str, Any], folder: Path
) -> None:
    reconfigure(folder / "unet" / "config.json", **told)
    with pytest.raises(IncompatibleError, match=next(iter(told))):
        describe(str(folder))


def test_a_network_that_projects_the_prompt_itself_is_told_nothing_more(folder: Path) -> None:
    reconfigure(folder / "unet" / "config.json", encoder_hid_dim_type="text_proj", encoder_hid_dim=32)
    assert describe(str(folder)).guidance == "classifier-free"


def test_an_xl_that_is_told_nothing_is_refused(tiny_pipeline_xl: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_pipeline_xl, tmp_path / "model")
    reconfigure(folder / "unet" / "config.json", addition_embed_type=None)
    with pytest.raises(IncompatibleError, match="is not told"):
        describe(str(folder))


@pytest.mark.parametrize("name", ["vocab.json", "added_tokens.json"])
def test_tokens_that_the_encoder_has_never_heard_of_are_refused(name: str, folder: Path) -> None:
    path = folder / "tokenizer" / name
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), "<mine>": 4000}))
    with pytest.raises(IncompatibleError, match="tokens up to 4000"):
        describe(str(folder))
