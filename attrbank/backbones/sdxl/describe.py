"""Stable Diffusion XL, described from its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.folder import read_json, require_networks
from attrbank.backbones.stable_diffusion.describe import NETWORKS as NETWORKS_OF_BOTH, SpelledFolder, facts_of
from attrbank.errors import IncompatibleError

NETWORKS = {**NETWORKS_OF_BOTH, "text_encoder_2": "CLIPTextModelWithProjection"}

CLIPPING = {"DDIMScheduler", "DDPMScheduler", "LCMScheduler", "TCDScheduler"}
"""The schedulers of diffusers that clip if they are told to."""


@dataclass(frozen=True, kw_only=True)
class XLFolder(SpelledFolder):
    """Stable Diffusion XL, described but not loaded.

    Attributes:
        picture_size: height and width in pixels, which the network is told.
        zeros_for_empty_prompt: whether zeros stand for the empty prompt, instead of what the encoders make of it.
    """

    picture_size: tuple[int, int]
    zeros_for_empty_prompt: bool


def describe(reference: str, path: Path, index: Mapping[str, Any], checkpoint: Path | None = None) -> XLFolder:
    """The description of the Stable Diffusion XL in ``path``; takes and raises what that of Stable Diffusion does."""
    require_networks(reference, index, NETWORKS)
    _refuse_clipping(reference, read_json(path / "scheduler" / "scheduler_config.json"))
    facts = facts_of(reference, path, index, checkpoint, NETWORKS, addition="text_time")
    downsampling = 2 ** (len(read_json(path / "vae" / "config.json").get("block_out_channels", [0])) - 1)
    _, height, width = facts["latent_shape"]
    return XLFolder(
        **facts,
        picture_size=(height * downsampling, width * downsampling),
        zeros_for_empty_prompt=bool(index.get("force_zeros_for_empty_prompt", True)),
    )


def _refuse_clipping(reference: str, scheduler: Mapping[str, Any]) -> None:
    """Its pipeline would clip the latents; that of Stable Diffusion 1 and 2 never does, whatever the file says."""
    if scheduler.get("_class_name") in CLIPPING and scheduler.get("clip_sample"):
        raise IncompatibleError(
            f"The scheduler of {reference} clips its predictions, which is not supported.",
            hint="It is for pixels and ruins latents: set clip_sample to false in scheduler_config.json.",
        )
