from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from attrbank.backbones.families import describe, load
from attrbank.backbones.stable_diffusion.load import StableDiffusion
from attrbank.errors import IncompatibleError, InvalidValueError, NotFoundError
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM
from tests.helpers.own_pipelines import PROMPT, our_latents, their_latents
from tests.helpers.tiny_families import change

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(
    "variant", ["tiny_pipeline", "tiny_pipeline_velocity", "tiny_pipeline_zero_snr", "tiny_pipeline_xl"]
)
@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_latents_are_those_of_the_models_own_pipeline(
    variant: str, scale: float, request: pytest.FixtureRequest
) -> None:
    folder, seeds = request.getfixturevalue(variant), [4, 9]
    theirs = their_latents(folder, "DDIMScheduler", 10, scale, seeds)
    torch.testing.assert_close(our_latents(folder, DDIM(), 10, scale, seeds), theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("variant", ["tiny_pipeline", "tiny_pipeline_velocity"])
def test_noise_on_the_way_is_that_of_the_pipeline_too(variant: str, request: pytest.FixtureRequest) -> None:
    folder, seeds = request.getfixturevalue(variant), [4, 9]
    theirs = their_latents(folder, "DDPMScheduler", 10, 4.0, seeds)
    torch.testing.assert_close(our_latents(folder, DDPM(), 10, 4.0, seeds), theirs, atol=1e-4, rtol=0)


def test_a_folder_from_before_there_was_an_offset_is_run_as_its_pipeline_runs_it(
    tiny_pipeline: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_pipeline, tmp_path / "model")
    change(folder / "scheduler" / "scheduler_config.json", steps_offset=0)
    theirs = their_latents(folder, "DDIMScheduler", 5, 4.0, [4])
    torch.testing.assert_close(our_latents(folder, DDIM(), 5, 4.0, [4]), theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("variant", ["tiny_pipeline", "tiny_pipeline_xl"])
def test_pictures_need_not_be_square(variant: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The size is the network's own; Stable Diffusion XL is told of it."""
    folder = shutil.copytree(request.getfixturevalue(variant), tmp_path / "model")
    config = folder / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"sample_size": [12, 20]}))
    ours = our_latents(folder, DDIM(), 3, 4.0, [4])
    assert ours.shape == (1, 4, 12, 20)
    theirs = their_latents(folder, "DDIMScheduler", 3, 4.0, [4], height=24, width=40)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("zeros", [True, False])
def test_what_stands_for_the_empty_prompt_is_the_models_choice(
    zeros: bool, tiny_pipeline_xl: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_pipeline_xl, tmp_path / "model")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"force_zeros_for_empty_prompt": zeros}))
    empty = load(str(folder)).encode_prompts([PROMPT, ""])
    assert bool(empty["text"][1].any()) is bool(empty["pooled"][1].any()) is not zeros
    torch.testing.assert_close(
        our_latents(folder, DDIM(), 3, 4.0, [4]), their_latents(folder, "DDIMScheduler", 3, 4.0, [4]), atol=1e-4, rtol=0
    )


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path) -> StableDiffusion:
    return load(str(tiny_pipeline))


def test_half_precision_folder_runs_in_single_precision(tiny_pipeline_half: Path, backbone: StableDiffusion) -> None:
    half = load(str(tiny_pipeline_half))
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    prompt = half.encode_prompts([PROMPT])
    found = half.predict(latent, 500, prompt).eps
    assert prompt["text"].dtype == found.dtype == half.decode(latent).dtype == torch.float32
    exact = backbone.predict(latent, 500, backbone.encode_prompts([PROMPT])).eps
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0.02)


def test_pictures_and_latents_have_their_shapes_and_ranges(backbone: StableDiffusion) -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    latent = backbone.encode(images)
    assert latent.shape == (2, *backbone.latent_shape)
    decoded = backbone.decode(20 * latent)
    assert decoded.shape == images.shape
    assert decoded.min() >= 0
    assert decoded.max() <= 1


def test_codec_scales_latents_as_diffusers_does(backbone: StableDiffusion, tiny_pipeline: Path) -> None:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(tiny_pipeline / "vae", local_files_only=True)
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        raw = vae.encode(images * 2 - 1).latent_dist.mean
        picture = vae.decode(raw).sample * 0.5 + 0.5
    torch.testing.assert_close(backbone.encode(images), raw * 0.18215)
    torch.testing.assert_close(backbone.decode(raw * 0.18215), picture.clamp(0, 1))


def test_encoding_repeats_itself(backbone: StableDiffusion) -> None:
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(backbone.encode(images), backbone.encode(images))


def test_prompt_that_is_too_long_is_cut_to_the_encoders_length(backbone: StableDiffusion) -> None:
    assert backbone.encode_prompts(["a man " * 40, ""])["text"].shape == (2, 24, 32)


def test_prompt_that_is_not_unicode_is_refused(backbone: StableDiffusion) -> None:
    with pytest.raises(InvalidValueError, match="Unicode"):
        backbone.encode_prompts(["a \ud800"])


def test_both_forms_of_tokenizer_folders_give_the_same_prompts(
    tiny_pipeline: Path, backbone: StableDiffusion, tmp_path: Path
) -> None:
    """Disks hold vocab.json and merges.txt; transformers 5 saves tokenizer.json alone."""
    from transformers import CLIPTokenizer

    copy = shutil.copytree(tiny_pipeline, tmp_path / "model")
    shutil.rmtree(copy / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(tiny_pipeline / "tokenizer", local_files_only=True)
    tokenizer.save_pretrained(copy / "tokenizer")
    assert (copy / "tokenizer" / "tokenizer.json").is_file()
    (copy / "tokenizer" / "vocab.json").unlink(missing_ok=True)
    (copy / "tokenizer" / "merges.txt").unlink(missing_ok=True)
    expected = backbone.encode_prompts([PROMPT, ""])["text"]
    assert torch.equal(load(str(copy)).encode_prompts([PROMPT, ""])["text"], expected)


def test_folder_saved_by_diffusers_is_the_same_model(
    tiny_pipeline: Path, backbone: StableDiffusion, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionPipeline

    with warnings.catch_warnings(action="ignore"):
        StableDiffusionPipeline.from_pretrained(tiny_pipeline, local_files_only=True).save_pretrained(tmp_path)
    saved = load(str(tmp_path))
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    found, expected = (model.predict(latent, 500, model.encode_prompts([PROMPT])) for model in (saved, backbone))
    assert torch.equal(found.eps, expected.eps)
    assert torch.equal(saved.decode(latent), backbone.decode(latent))
    assert (saved.fingerprint, saved.schedule) == (backbone.fingerprint, backbone.schedule)


def test_tokenizer_without_a_length_takes_the_text_encoders(tiny_pipeline: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_pipeline, tmp_path / "model")
    path = copy / "tokenizer" / "tokenizer_config.json"
    config = json.loads(path.read_text())
    del config["model_max_length"]
    path.write_text(json.dumps(config))
    assert load(str(copy)).encode_prompts([""])["text"].shape == (1, 24, 32)


@pytest.mark.parametrize("shards", [False, True])
def test_folder_with_half_precision_files_alone_is_the_same_model(
    shards: bool, tiny_pipeline_half: Path, tiny_pipeline: Path, tmp_path: Path
) -> None:
    """Such as ``*.fp16.safetensors``, in one file or in several, with the index that diffusers gives them."""
    from diffusers import StableDiffusionPipeline

    with warnings.catch_warnings(action="ignore"):
        pipeline = StableDiffusionPipeline.from_pretrained(
            tiny_pipeline_half, torch_dtype=torch.float16, local_files_only=True
        )
        pipeline.save_pretrained(tmp_path, variant="fp16", max_shard_size="40KB" if shards else "10GB")
    assert (tmp_path / "unet" / f"{WEIGHTS}.index.fp16.json").is_file() is shards
    assert not any((tmp_path / part / WEIGHTS).exists() for part in ("unet", "vae"))
    saved, half = load(str(tmp_path)), load(str(tiny_pipeline_half))
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    found, expected = (model.predict(latent, 500, model.encode_prompts([PROMPT])) for model in (saved, half))
    assert torch.equal(found.eps, expected.eps)
    assert saved.fingerprint == describe(str(tiny_pipeline)).fingerprint


def test_only_safetensors_are_loaded(tiny_pipeline: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_pipeline, tmp_path / "model")
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(IncompatibleError, match="vae cannot be loaded as AutoencoderKL"):
        load(str(copy))


@pytest.mark.parametrize("part", ["text_encoder/model", "vae/diffusion_pytorch_model"])
def test_damaged_weights_are_refused(part: str, tiny_pipeline: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_pipeline, tmp_path / "model")
    weights = copy / f"{part}.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(IncompatibleError, match="cannot be loaded"):
        load(str(copy))


@pytest.mark.parametrize("part", ["text_encoder/model", "unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model"])
def test_network_that_lacks_a_weight_is_refused(part: str, tiny_pipeline: Path, tmp_path: Path) -> None:
    """The libraries would put random numbers in its place."""
    copy = shutil.copytree(tiny_pipeline, tmp_path / "model")
    weights = load_file(copy / f"{part}.safetensors")
    dropped = next(name for name in sorted(weights) if "norm" in name)
    del weights[dropped]
    save_file(weights, copy / f"{part}.safetensors", metadata={"format": "pt"})
    with pytest.raises(IncompatibleError, match="lacks 1 of its weights"):
        load(str(copy))


def test_missing_tokenizer_is_refused(tiny_pipeline: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_pipeline, tmp_path / "model")
    shutil.rmtree(copy / "tokenizer")
    with pytest.raises(IncompatibleError, match="holds no tokenizer"):
        load(str(copy))


def test_folder_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load(str(tmp_path / "nothing"))


def test_loading_prints_nothing_and_leaves_the_libraries_settings(tiny_pipeline: Path) -> None:
    program = f"""
import diffusers, transformers
transformers.utils.logging.set_verbosity_info()
from attrbank.backbones.families import load
load({str(tiny_pipeline)!r})
assert transformers.utils.logging.get_verbosity() == {logging.INFO}
assert transformers.utils.logging.is_progress_bar_enabled()
assert diffusers.utils.logging.get_verbosity() == {logging.WARNING}
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
