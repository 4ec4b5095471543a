"""Stable Diffusion 1.x, 2.x and XL, described from their folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from attrbank.backbones.fingerprint import STABLE_DIFFUSION, fingerprint
from attrbank.backbones.folder import BackboneFolder, read_json, read_settings, require_networks
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import IncompatibleError

NETWORKS = {"text_encoder": "CLIPTextModel", "unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
"""The networks we can load: the class that model_index.json must name for each."""

XL_NETWORKS = {**NETWORKS, "text_encoder_2": "CLIPTextModelWithProjection"}

PREDICTION_TYPES = ("epsilon", "v_prediction")


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
        "latent_shape": _latent_shape(unet, read_json(path / "vae" / "config.json")),
        "prediction_type": _prediction_type(scheduler),
        "schedule": Schedule.from_config(scheduler),
        "defaults": settings.defaults,
        "words": settings.known_words,
    }


def _prediction_type(scheduler: Mapping[str, Any]) -> str:
    prediction_type = scheduler.get("prediction_type", "epsilon")
    if prediction_type not in PREDICTION_TYPES:
        raise IncompatibleError(
            f"A model that predicts {prediction_type!r} is not supported.",
            hint=f"Supported are {' and '.join(PREDICTION_TYPES)}.",
        )
    return str(prediction_type)


def _latent_shape(unet: Mapping[str, Any], vae: Mapping[str, Any]) -> tuple[int, int, int]:
    size, channels = unet.get("sample_size"), unet.get("in_channels", 4)
    height, width = size if isinstance(size, list) and len(size) == 2 else (size, size)
    shape = channels, height, width
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise IncompatibleError(f"The network's latents are {channels} × {size}, which is no shape.")
    if {channels} != {unet.get("out_channels", 4), vae.get("latent_channels", 4)}:
        raise IncompatibleError(
            f"The network takes {channels} channels, but the codec makes {vae.get('latent_channels', 4)}.",
            hint="Models for inpainting and depth are not supported.",
        )
    return cast(tuple[int, int, int], shape)
