"""Stable Diffusion 3.x and Flux, described from their folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.fingerprint import FLUX, STABLE_DIFFUSION_3, Traits, fingerprint
from attrbank.backbones.parts.folder import BackboneFolder, latent_shape, read_json, read_settings, require_networks
from attrbank.diffusion.flow import flow_schedule
from attrbank.diffusion.schedule import Spacing
from attrbank.errors import IncompatibleError

SD3_NETWORKS = {
    "text_encoder": "CLIPTextModelWithProjection",
    "text_encoder_2": "CLIPTextModelWithProjection",
    "transformer": "SD3Transformer2DModel",
    "vae": "AutoencoderKL",
}
T5 = {"text_encoder_3": "T5EncoderModel"}
"""Stable Diffusion 3's third encoder, the largest part of the model by far, which a folder may leave out."""

FLUX_NETWORKS = {
    "text_encoder": "CLIPTextModel",
    "text_encoder_2": "T5EncoderModel",
    "transformer": "FluxTransformer2DModel",
    "vae": "AutoencoderKL",
}

PACKED = 2
"""Flux takes patches of 2×2 latent pixels as one token of four times the channels."""

_FLUX_PIXELS = 1024
"""The side of Flux's pictures where the codec does not say for which size it was made."""


@dataclass(frozen=True, kw_only=True)
class SD3Folder(BackboneFolder):
    """Stable Diffusion 3, described but not loaded.

    Attributes:
        has_t5: whether the third text encoder is there.
    """

    has_t5: bool


def describe_sd3(reference: str, path: Path, index: Mapping[str, Any]) -> SD3Folder:
    """The description of the Stable Diffusion 3 in ``path``, whose ``model_index.json`` is ``index``.

    Raises:
        NotFoundError: a configuration file is missing.
        IncompatibleError: the model is of a kind that we cannot load, or damaged.
    """
    has_t5 = any(index.get("text_encoder_3") or ())
    require_networks(reference, index, SD3_NETWORKS | (T5 if has_t5 else {}))
    if has_t5 and not (path / "text_encoder_3").is_dir():
        raise IncompatibleError(
            f"{reference} lacks its third text encoder.",
            hint='To do without it, write "text_encoder_3": [null, null] in model_index.json.',
        )
    transformer, vae = read_json(path / "transformer" / "config.json"), read_json(path / "vae" / "config.json")
    facts = _facts(
        reference,
        path,
        transformer,
        latent_shape({"in_channels": 16, "sample_size": 128, **transformer}, vae),
        patch=transformer.get("patch_size", 2),
        traits=STABLE_DIFFUSION_3,
        spacing="linspace",
        recommended={"steps": 28, "guidance_scale": 7.0},
    )
    return SD3Folder(**facts, has_t5=has_t5)


def describe_flux(reference: str, path: Path, index: Mapping[str, Any]) -> BackboneFolder:
    """The same for Flux; one that was not distilled to take the guidance scale as an input was distilled to 4 steps."""
    require_networks(reference, index, FLUX_NETWORKS)
    transformer = read_json(path / "transformer" / "config.json")
    embeds_guidance = bool(transformer.get("guidance_embeds", False))
    facts = _facts(
        reference,
        path,
        transformer,
        _flux_shape(transformer, read_json(path / "vae" / "config.json")),
        patch=PACKED,
        traits=FLUX,
        spacing="trailing",
        recommended={"steps": 28, "guidance_scale": 3.5} if embeds_guidance else {"steps": 4, "guidance_scale": 1.0},
    )
    return BackboneFolder(**facts, guidance="embedded" if embeds_guidance else "classifier-free")


def _flux_shape(transformer: Mapping[str, Any], vae: Mapping[str, Any]) -> tuple[int, int, int]:
    try:
        downsampling = 2 ** (len(vae.get("block_out_channels", (0,))) - 1)
        side = vae.get("sample_size", _FLUX_PIXELS) // downsampling
        channels = transformer.get("in_channels", 64) // PACKED**2
    except TypeError as error:
        raise IncompatibleError(f"The configuration of Flux's transformer or codec is malformed: {error}.") from error
    return latent_shape({"in_channels": channels, "sample_size": side}, vae)


def _facts(
    reference: str,
    path: Path,
    transformer: Mapping[str, Any],
    shape: tuple[int, int, int],
    *,
    patch: object,
    traits: Traits,
    spacing: Spacing,
    recommended: Mapping[str, Any],
) -> dict[str, Any]:
    _, height, width = shape
    if not isinstance(patch, int) or patch < 1 or height % patch or width % patch:
        raise IncompatibleError(f"Latents of {height}×{width} do not divide into patches of {patch}×{patch}.")
    scheduler, settings = read_json(path / "scheduler" / "scheduler_config.json"), read_settings(path, recommended)
    return {
        "name": settings.name or reference,
        "path": path,
        "fingerprint": fingerprint(path / "transformer", transformer, scheduler, traits),
        "latent_shape": shape,
        "prediction_type": "flow",
        "schedule": flow_schedule(scheduler, height // patch * (width // patch), spacing),
        "defaults": settings.defaults,
        "words": settings.known_words,
    }
