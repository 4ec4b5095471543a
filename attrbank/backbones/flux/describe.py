"""Flux.1, described from its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.fingerprint import Traits
from attrbank.backbones.parts.folder import BackboneFolder, latent_shape, read_json, require_networks
from attrbank.backbones.parts.rectified_flow import facts_of
from attrbank.backbones.parts.windows import Window
from attrbank.errors import IncompatibleError

NETWORKS = {
    "text_encoder": "CLIPTextModel",
    "text_encoder_2": "T5EncoderModel",
    "transformer": "FluxTransformer2DModel",
    "vae": "AutoencoderKL",
}

PACKED = 2
"""The transformer takes patches of 2×2 latent pixels as one token of four times the channels."""

_PIXELS = 1024
"""The side of the pictures where the codec does not say for which size it was made."""

TRAITS = Traits(
    part="transformer",
    tensors=(
        "x_embedder.weight",
        "x_embedder.bias",
        "time_text_embed.timestep_embedder.linear_1.weight",
        "time_text_embed.timestep_embedder.linear_1.bias",
        "proj_out.weight",
        "proj_out.bias",
    ),
    config=(
        "in_channels",
        "num_layers",
        "num_single_layers",
        "num_attention_heads",
        "attention_head_dim",
        "joint_attention_dim",
        "pooled_projection_dim",
        "guidance_embeds",
    ),
    scheduler={"num_train_timesteps": 1000},
)


def describe(reference: str, path: Path, index: Mapping[str, Any]) -> BackboneFolder:
    """The description of the Flux in ``path``, whose ``model_index.json`` is ``index``.

    One that was not distilled to take the guidance scale as an input was distilled to 4 steps.

    Raises:
        NotFoundError: a configuration file is missing.
        IncompatibleError: the model is of a kind that we cannot load, or damaged.
    """
    require_networks(reference, index, NETWORKS)
    transformer = read_json(path / "transformer" / "config.json")
    embeds_guidance = bool(transformer.get("guidance_embeds", False))
    facts = facts_of(
        reference,
        path,
        index,
        transformer,
        _shape(transformer, read_json(path / "vae" / "config.json")),
        patch=PACKED,
        networks=NETWORKS,
        traits=TRAITS,
        spacing="trailing",
        recommended={"steps": 28, "guidance_scale": 3.5} if embeds_guidance else {"steps": 4, "guidance_scale": 1.0},
    )
    # CLIP gives a summary alone; what T5 does not read is not read. Each length is what the model was trained with.
    windows = (Window(path / "tokenizer_2", 512 if embeds_guidance else 256),)
    return BackboneFolder(**facts, windows=windows, guidance="embedded" if embeds_guidance else "classifier-free")


def _shape(transformer: Mapping[str, Any], vae: Mapping[str, Any]) -> tuple[int, int, int]:
    try:
        downsampling = 2 ** (len(vae.get("block_out_channels", (0,))) - 1)
        side = vae.get("sample_size", _PIXELS) // downsampling
        channels = transformer.get("in_channels", 64) // PACKED**2
    except TypeError as error:
        raise IncompatibleError(f"The configuration of Flux's transformer or codec is malformed: {error}.") from error
    return latent_shape({"in_channels": channels, "sample_size": side}, vae)
