"""Stable Diffusion XL, described from its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.folder import read_json, require_networks
from attrbank.backbones.stable_diffusion.describe import NETWORKS as NETWORKS_OF_BOTH, SpelledFolder, facts_of

NETWORKS = {**NETWORKS_OF_BOTH, "text_encoder_2": "CLIPTextModelWithProjection"}


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
    facts = facts_of(reference, path, index, checkpoint, NETWORKS, addition="text_time")
    downsampling = 2 ** (len(read_json(path / "vae" / "config.json").get("block_out_channels", [0])) - 1)
    _, height, width = facts["latent_shape"]
    return XLFolder(
        **facts,
        picture_size=(height * downsampling, width * downsampling),
        zeros_for_empty_prompt=bool(index.get("force_zeros_for_empty_prompt", True)),
    )
