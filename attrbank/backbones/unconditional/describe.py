"""Unconditional models (DDPM, DDIM, LDM on a VQ codec), described from their folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.fingerprint import fingerprints
from attrbank.backbones.parts.folder import (
    BackboneFolder,
    latent_shape,
    prediction_type,
    read_json,
    read_settings,
    require_networks,
)
from attrbank.backbones.parts.part_prints import part_prints
from attrbank.backbones.stable_diffusion.describe import (
    TRAITS,  # a UNet without prompts has the same ends and the same clock
)
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import IncompatibleError

NETWORKS = {"unet": "UNet2DModel"}
CODEC = {"vqvae": "VQModel"}
"""The codec of a latent model; the others denoise the pixels themselves."""


@dataclass(frozen=True, kw_only=True)
class UnconditionalFolder(BackboneFolder):
    """An unconditional model, described but not loaded.

    Attributes:
        codec: the folder of the codec; None where latents are pixels in [−1, 1].
        clip: what x̂0 is kept within; None if it may be anything.
    """

    codec: Path | None
    clip: float | None


def describe(reference: str, path: Path, index: Mapping[str, Any]) -> UnconditionalFolder:
    """The description of the model in ``path``, whose ``model_index.json`` is ``index``.

    Raises:
        NotFoundError: a configuration file is missing.
        IncompatibleError: the model is of a kind that we cannot load, or damaged.
    """
    codec = CODEC if "vqvae" in index else {}
    require_networks(reference, index, NETWORKS | codec)
    unet, scheduler = (
        read_json(_part(path, part) / name)
        for part, name in (("unet", "config.json"), ("scheduler", "scheduler_config.json"))
    )
    if unet.get("class_embed_type") is not None or unet.get("num_class_embeds") is not None:
        raise IncompatibleError(f"{reference} wants to be told a class, which is not supported.")
    settings = read_settings(path, {"guidance_scale": 1.0})
    made = {"latent_channels": 3, **(read_json(path / "vqvae" / "config.json") if codec else {})}
    prints = fingerprints(_part(path, "unet"), unet, scheduler, TRAITS)
    return UnconditionalFolder(
        name=settings.name or reference,
        path=path,
        weights=_part(path, "unet"),
        fingerprint=prints.now,
        former_fingerprint=prints.former,
        parts=part_prints(path, codec, index),
        latent_shape=latent_shape({"in_channels": 3, "out_channels": 3, **unet}, made),
        prediction_type=prediction_type(scheduler),
        schedule=Schedule.from_config(scheduler),
        defaults=settings.defaults,
        words=None,
        guidance="none",
        codec=path / "vqvae" if codec else None,
        clip=_clip(scheduler),
    )


def _part(path: Path, name: str) -> Path:
    """Old folders have the network and its scheduler at the top."""
    return path / name if (path / name).is_dir() else path


def _clip(scheduler: Mapping[str, Any]) -> float | None:
    limit = scheduler.get("clip_sample_range", 1.0)
    if not isinstance(limit, int | float) or not limit > 0:
        raise IncompatibleError(f"The scheduler's clip_sample_range is {limit!r}, which is no positive number.")
    return float(limit) if scheduler.get("clip_sample", True) else None
