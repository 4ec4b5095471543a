"""Stable Diffusion 3 and Flux make what diffusers' own pipelines make."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attrbank.backbones.families import load
from attrbank.backbones.flux.load import pack, positions, unpack
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.samplers.ddim import DDIM
from tests.helpers.tiny_families import change

PROMPT = "a photo of a smiling woman, with glasses"
SEEDS = [4, 9]
WITHOUT_T5 = {"text_encoder_3": None, "tokenizer_3": None}


def their_pipeline(folder: Path) -> Any:
    import diffusers

    kind = json.loads((folder / "model_index.json").read_text())["_class_name"]
    without = {} if "flux" in kind.lower() or (folder / "text_encoder_3").is_dir() else WITHOUT_T5
    with warnings.catch_warnings(action="ignore"):
        pipeline = getattr(diffusers, kind).from_pretrained(folder, local_files_only=True, **without)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def theirs(folder: Path, **options: Any) -> Tensor:
    """What diffusers' own pipeline makes of the folder."""
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    made = their_pipeline(folder)([PROMPT] * len(SEEDS), generator=generators, height=32, width=32, **options)
    images: Tensor = made.images
    return images


def run_of(backbone: Backbone, steps: int, scale: float) -> Trajectory:
    return Trajectory(backbone, DDIM(), grid=DDIM().grid(steps, backbone.schedule), guidance_scale=scale)


def ours(backbone: Backbone, steps: int, scale: float) -> Tensor:
    run = run_of(backbone, steps, scale)
    return run.run(run.start(SEEDS), backbone.encode_prompts([PROMPT])).latent


@pytest.mark.parametrize(("model", "scale"), [("tiny_sd3", 4.0), ("tiny_sd3_without_t5", 1.0), ("tiny_sd35", 4.0)])
def test_latents_are_those_of_the_sd3_pipeline(model: str, scale: float, request: pytest.FixtureRequest) -> None:
    """At the same σ: its own grid falls between whole timesteps."""
    folder = request.getfixturevalue(model)
    backbone = load(str(folder))
    times = [(t + 1) / 1000 for t, _ in run_of(backbone, 8, scale).grid]
    expected = theirs(folder, num_inference_steps=8, sigmas=times, guidance_scale=scale, output_type="latent")
    torch.testing.assert_close(ours(backbone, 8, scale), expected, atol=1e-4, rtol=0)


def test_whole_timesteps_move_sd3s_latents_by_less_than_a_thousandth(tiny_sd3: Path) -> None:
    expected = theirs(tiny_sd3, num_inference_steps=28, guidance_scale=1.0, output_type="latent")
    found = ours(load(str(tiny_sd3)), 28, 1.0)
    assert float((found - expected).square().mean().sqrt() / expected.square().mean().sqrt()) < 1e-3


@pytest.mark.parametrize(("model", "length", "scale"), [("tiny_flux", 512, 3.5), ("tiny_flux_schnell", 256, 1.0)])
def test_latents_are_those_of_the_flux_pipeline(
    model: str, length: int, scale: float, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(model)
    backbone = load(str(folder))
    options = {"num_inference_steps": 10, "guidance_scale": scale, "max_sequence_length": length}
    expected = unpack(theirs(folder, output_type="latent", **options), 16)
    torch.testing.assert_close(ours(backbone, 10, scale), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("model", "scale", "length"), [("tiny_sd3", 2.0, 256), ("tiny_flux", 3.5, 512)])
def test_pictures_are_those_of_the_pipeline(
    model: str, scale: float, length: int, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(model)
    backbone = load(str(folder))
    times = [(t + 1) / 1000 for t, _ in run_of(backbone, 4, scale).grid]
    options = {"num_inference_steps": 4, "sigmas": times, "guidance_scale": scale, "max_sequence_length": length}
    expected = theirs(folder, output_type="pt", **options)
    torch.testing.assert_close(backbone.decode(ours(backbone, 4, scale)), expected, atol=1e-4, rtol=0)


def test_the_guidance_that_flux_embeds_moves_its_latents_at_no_second_evaluation(tiny_flux: Path) -> None:
    backbone = load(str(tiny_flux))
    low, high = (run_of(backbone, 4, scale) for scale in (1.0, 7.0))
    prompt = backbone.encode_prompts([PROMPT])
    assert not torch.equal(low.run(low.start(SEEDS), prompt).latent, high.run(high.start(SEEDS), prompt).latent)
    assert low.evaluations == high.evaluations == 4 * len(SEEDS)


def test_latents_are_packed_as_diffusers_packs_them() -> None:
    from diffusers import FluxPipeline

    latent = torch.randn(2, 4, 6, 10, generator=torch.Generator().manual_seed(0))
    packed = FluxPipeline._pack_latents(latent, 2, 4, 6, 10)
    assert torch.equal(pack(latent), packed)
    assert torch.equal(unpack(packed, 6), latent)
    assert torch.equal(positions(latent), FluxPipeline._prepare_latent_image_ids(2, 3, 5, "cpu", torch.float32))


@pytest.mark.parametrize(
    ("model", "shape", "defaults"),
    [
        ("tiny_sd3", (8, 16, 16), (28, 7.0)),
        ("tiny_flux", (4, 16, 16), (28, 3.5)),
        ("tiny_flux_schnell", (4, 16, 16), (4, 1.0)),
    ],
)
def test_families_recommend_what_suits_them(
    model: str, shape: tuple[int, ...], defaults: tuple[int, float], request: pytest.FixtureRequest
) -> None:
    backbone = load(str(request.getfixturevalue(model)))
    assert backbone.latent_shape == shape
    assert backbone.prediction_type == "flow"
    assert (backbone.defaults.steps, backbone.defaults.guidance_scale) == defaults


@pytest.mark.parametrize("model", ["tiny_sd3", "tiny_flux"])
def test_prompt_that_is_not_unicode_is_refused(model: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(InvalidValueError, match="Unicode"):
        load(str(request.getfixturevalue(model))).encode_prompts(["a \ud800"])


@pytest.mark.parametrize(
    ("path", "changes", "message"),
    [
        ("model_index.json", {"text_encoder_2": None}, "text_encoder_2"),
        ("model_index.json", {"transformer": ["diffusers", "HunyuanDiT2DModel"]}, "HunyuanDiT2DModel"),
        ("transformer/config.json", {"sample_size": None}, "no shape"),
        ("transformer/config.json", {"patch_size": 3}, "patches of 3×3"),
        ("transformer/config.json", {"patch_size": "2"}, "patches"),
        ("transformer/config.json", {"in_channels": 17}, "17 channels"),
        ("scheduler/scheduler_config.json", {"_class_name": "DDIMScheduler"}, "no flow"),
    ],
)
def test_model_of_another_kind_is_refused(
    tiny_sd3: Path, tmp_path: Path, path: str, changes: dict[str, Any], message: str
) -> None:
    folder = shutil.copytree(tiny_sd3, tmp_path / "model")
    change(folder / path, **changes)
    with pytest.raises(IncompatibleError, match=message):
        load(str(folder))


@pytest.mark.parametrize("config", [{"sample_size": "32"}, {"sample_size": 34}, {"block_out_channels": None}])
def test_flux_with_a_codec_that_says_no_size_is_refused(
    tiny_flux: Path, tmp_path: Path, config: dict[str, Any]
) -> None:
    folder = shutil.copytree(tiny_flux, tmp_path / "flux")
    change(folder / "vae" / "config.json", **config)
    with pytest.raises(IncompatibleError):
        load(str(folder))


def test_t5_that_is_not_there_must_not_be_in_the_index(tiny_sd3: Path, tmp_path: Path) -> None:
    """A folder whose largest part did not arrive would otherwise make other pictures without a word."""
    folder = shutil.copytree(tiny_sd3, tmp_path / "model")
    shutil.rmtree(folder / "text_encoder_3")
    with pytest.raises(IncompatibleError, match="third text encoder"):
        load(str(folder))
    change(folder / "model_index.json", text_encoder_3=[None, None])
    text = load(str(folder)).encode_prompts([PROMPT])["text"]
    assert not text[:, -256:].any()
    assert load(str(tiny_sd3)).encode_prompts([PROMPT])["text"][:, -256:].any()
