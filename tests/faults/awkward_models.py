"""Model folders of unusual but lawful kinds, small and random, in the format of diffusers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from attrbank.plugin.tiny import UNET, build_codec, build_pipeline, build_xl_pipeline
from tests.helpers.tiny_families import change

Build = Callable[[Path], object]
WEIGHTS = "diffusion_pytorch_model.safetensors"


def with_unet(folder: Path, **config: Any) -> None:
    """Another network in an ordinary folder."""
    from diffusers import UNet2DConditionModel

    build_pipeline(folder)
    torch.manual_seed(1)
    UNet2DConditionModel(**{**UNET, "cross_attention_dim": 32, **config}).save_pretrained(folder / "unet")


def with_file(part: str, build: Callable[..., Path], folder: Path, **changes: object) -> None:
    """Something else in one of the JSON files."""
    build(folder)
    change(folder / part, **changes)


def with_channels(folder: Path) -> None:
    """Eight channels of latents."""
    with_unet(folder, in_channels=8, out_channels=8)
    build_codec(8, scaling_factor=0.5).save_pretrained(folder / "vae")


def renamed(folder: Path) -> None:
    """Half-precision files alone, as a download of one variant leaves them."""
    build_pipeline(folder)
    for part, stem in (
        ("unet", "diffusion_pytorch_model"),
        ("vae", "diffusion_pytorch_model"),
        ("text_encoder", "model"),
    ):
        (folder / part / f"{stem}.safetensors").rename(folder / part / f"{stem}.fp16.safetensors")


def in_shards(folder: Path) -> None:
    """A network in several files."""
    from diffusers import UNet2DConditionModel

    build_pipeline(folder)
    unet = UNet2DConditionModel.from_pretrained(folder / "unet")
    shutil.rmtree(folder / "unet")
    unet.save_pretrained(folder / "unet", max_shard_size="100KB")


def through_links(folder: Path) -> None:
    """As in a cache of the hub: names are links to blobs."""
    build_pipeline(folder)
    blobs = folder.parent / "blobs"
    blobs.mkdir()
    for number, path in enumerate(path for path in folder.rglob("*") if path.is_file()):
        path.rename(blobs / str(number))
        path.symlink_to(blobs / str(number))


def with_old_names(folder: Path) -> None:
    """A codec whose attention is called as it was before diffusers 0.15."""
    from safetensors.torch import load_file, save_file

    build_pipeline(folder)
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    path = folder / "vae" / WEIGHTS
    weights = load_file(path)
    for new, name in old.items():
        weights = {
            key.replace(f"attentions.0.{new}.", f"attentions.0.{name}."): value for key, value in weights.items()
        }
    save_file(weights, path)


def with_byte_order_mark(folder: Path) -> None:
    """As an editor on Windows leaves it."""
    build_pipeline(folder)
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_bytes(json.dumps(json.loads(path.read_text()), indent=4).replace("\n", "\r\n").encode())


def _scheduled(**scheduler: object) -> Build:
    return partial(build_pipeline, **scheduler)


def _xl(**scheduler: object) -> Build:
    return partial(build_xl_pipeline, **scheduler)


ZERO = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "prediction_type": "v_prediction"}
MODELS: dict[str, Build] = {
    "in shards": in_shards,
    "through links": through_links,
    "plain": _scheduled(),
    "velocity": _scheduled(prediction_type="v_prediction"),
    "velocity without a signal": _scheduled(**ZERO),
    "trailing": _scheduled(timestep_spacing="trailing"),
    "linear betas": _scheduled(beta_schedule="linear", beta_start=0.0001, beta_end=0.02),
    "cosine betas": _scheduled(beta_schedule="squaredcos_cap_v2"),
    "betas of its own": _scheduled(trained_betas=[0.0001 + 0.00002 * n for n in range(1000)]),
    "no offset": _scheduled(steps_offset=0),
    "ends at one": _scheduled(set_alpha_to_one=True),
    "no offset, ends at one": _scheduled(steps_offset=0, set_alpha_to_one=True),
    "500 timesteps": _scheduled(num_train_timesteps=500),
    "PNDM": _scheduled(_class_name="PNDMScheduler", skip_prk_steps=True),
    "Euler": _scheduled(_class_name="EulerDiscreteScheduler"),
    "DPM": _scheduled(_class_name="DPMSolverMultistepScheduler"),
    "UniPC": _scheduled(_class_name="UniPCMultistepScheduler"),
    "fields of another version": _scheduled(_diffusers_version="0.6.0", tensor_format="pt", sample_max_value=1.0),
    "clipped": _scheduled(clip_sample=True),
    "thresholded": _scheduled(thresholding=True),
    "half": partial(build_pipeline, half=True),
    "renamed": renamed,
    "old names": with_old_names,
    "lines of Windows": with_byte_order_mark,
    "eight channels": with_channels,
    "linear projection": lambda folder: with_unet(folder, use_linear_projection=True),
    "heads by level": lambda folder: with_unet(folder, attention_head_dim=(4, 8)),
    "two layers": lambda folder: with_unet(folder, layers_per_block=2),
    "two transformers": lambda folder: with_unet(folder, transformer_layers_per_block=2),
    "three levels": lambda folder: with_unet(
        folder,
        block_out_channels=(16, 16, 32),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    ),
    "sines first": lambda folder: with_unet(folder, flip_sin_to_cos=False, freq_shift=1),
    "no middle": lambda folder: with_unet(folder, mid_block_type=None),
    "time shifts and scales": lambda folder: with_unet(folder, resnet_time_scale_shift="scale_shift"),
    "another activation": lambda folder: with_unet(folder, act_fn="gelu"),
    "wide": lambda folder: with_unet(folder, sample_size=(8, 24)),
    "tall": lambda folder: with_unet(folder, sample_size=[24, 16]),
    "attention in single precision": lambda folder: with_unet(folder, upcast_attention=True),
    "XL": _xl(),
    "XL that clips": _xl(clip_sample=True),
    "XL without an offset": _xl(steps_offset=0),
    "XL of velocity": _xl(**ZERO),
    "XL that encodes nothing": lambda folder: with_file(
        "model_index.json", build_xl_pipeline, folder, force_zeros_for_empty_prompt=False
    ),
    "XL in half": partial(build_xl_pipeline, half=True),
    "a quick activation in the text encoder": lambda folder: with_file(
        "text_encoder/config.json", build_pipeline, folder, hidden_act="gelu"
    ),
}
