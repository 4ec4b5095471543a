"""Stable Diffusion 1.x, 2.x and XL, described from their folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrbank.backbones.fingerprint import STABLE_DIFFUSION, fingerprint
from attrbank.backbones.folder import (
    BackboneFolder,
    latent_shape,
    prediction_type,
    read_json,
    read_settings,
    require_networks,
)
from attrbank.diffusion.schedule import Schedule

NETWORKS = {"text_encoder": "CLIPTextModel", "unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
"""The networks we can load: the class that model_index.json must name for each."""

XL_NETWORKS = {**NETWORKS, "text_encoder_2": "CLIPTextModelWithProjection"}


@dataclass(frozen=True, kw_only=True)
class XLFolder(BackboneFolder):
    """Stable Diffusion XL, described but not loaded.

    Attributes:
        picture_size: height and width in pixels, which the network is told.
        zeros_for_empty_prompt: whether zeros stand for the empty prompt, instead of what the encoders make of it.
    """

    picture_size: tuple[int, int]
    zeros_for_empty_prompt: bool


def describe(reference: str, path: Path, index: Mapping[str, Any]) -> BackboneFolder:
    """The description of the model in ``path``, whose ``model_index.json`` is ``index``.

    Raises:
        NotFoundError: a configuration file is missing.
        IncompatibleError: the model is of a kind that we cannot load, or damaged.
    """
    require_networks(reference, index, NETWORKS)
    return BackboneFolder(**_facts(reference, path))


def describe_xl(reference: str, path: Path, index: Mapping[str, Any]) -> XLFolder:
    """The same for Stable Diffusion XL."""
    require_networks(reference, index, XL_NETWORKS)
    facts = _facts(reference, path)
    downsampling = 2 ** (len(read_json(path / "vae" / "config.json").get("block_out_channels", [0])) - 1)
    _, height, width = facts["latent_shape"]
    return XLFolder(
        **facts,
        picture_size=(height * downsampling, width * downsampling),
        zeros_for_empty_prompt=bool(index.get("force_zeros_for_empty_prompt", True)),
    )


def _facts(reference: str, path: Path) -> dict[str, Any]:
    unet, scheduler = read_json(path / "unet" / "config.json"), read_json(path / "scheduler" / "scheduler_config.json")
    settings = read_settings(path)
    return {
        "name": settings.name or reference,
        "path": path,
        "fingerprint": fingerprint(path / "unet", unet, scheduler, STABLE_DIFFUSION),
        "latent_shape": latent_shape(unet, read_json(path / "vae" / "config.json")),
        "prediction_type": prediction_type(scheduler),
        "schedule": Schedule.from_config(scheduler),
        "defaults": settings.defaults,
        "words": settings.known_words,
    }
