"""Stable Diffusion 3.x, described from its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.fingerprint import Traits
from attrbank.backbones.parts.folder import BackboneFolder, latent_shape, read_json, require_networks
from attrbank.backbones.parts.rectified_flow import facts_of
from attrbank.backbones.parts.windows import Window, clip_window
from attrbank.errors import IncompatibleError

NETWORKS = {
    "text_encoder": "CLIPTextModelWithProjection",
    "text_encoder_2": "CLIPTextModelWithProjection",
    "transformer": "SD3Transformer2DModel",
    "vae": "AutoencoderKL",
}
T5 = {"text_encoder_3": "T5EncoderModel"}
"""The third encoder, the largest part of the model by far, which a folder may leave out."""

T5_LENGTH = 256
"""Tokens that T5 sees of a prompt, as in the pipeline of diffusers."""

TRAITS = Traits(
    part="transformer",
    tensors=(
        "pos_embed.proj.weight",
        "pos_embed.proj.bias",
        "time_text_embed.timestep_embedder.linear_1.weight",
        "time_text_embed.timestep_embedder.linear_1.bias",
        "proj_out.weight",
        "proj_out.bias",
    ),
    config=(
        "in_channels",
        "out_channels",
        "sample_size",
        "patch_size",
        "num_layers",
        "num_attention_heads",
        "attention_head_dim",
        "joint_attention_dim",
        "caption_projection_dim",
        "pooled_projection_dim",
    ),
    scheduler={"num_train_timesteps": 1000},
)


@dataclass(frozen=True, kw_only=True)
class SD3Folder(BackboneFolder):
    """Stable Diffusion 3, described but not loaded.

    Attributes:
        has_t5: whether the third text encoder is there.
    """

    has_t5: bool


def describe(reference: str, path: Path, index: Mapping[str, Any]) -> SD3Folder:
    """The description of the Stable Diffusion 3 in ``path``, whose ``model_index.json`` is ``index``.

    Raises:
        NotFoundError: a configuration file is missing.
        IncompatibleError: the model is of a kind that we cannot load, or damaged.
    """
    has_t5 = any(index.get("text_encoder_3") or ())
    networks = NETWORKS | (T5 if has_t5 else {})
    require_networks(reference, index, networks)
    if has_t5 and not (path / "text_encoder_3").is_dir():
        raise IncompatibleError(
            f"{reference} lacks its third text encoder.",
            hint='To do without it, write "text_encoder_3": [null, null] in model_index.json.',
        )
    transformer, vae = read_json(path / "transformer" / "config.json"), read_json(path / "vae" / "config.json")
    facts = facts_of(
        reference,
        path,
        index,
        transformer,
        latent_shape({"in_channels": 16, "sample_size": 128, **transformer}, vae),
        patch=transformer.get("patch_size", 2),
        networks=networks,
        traits=TRAITS,
        spacing="linspace",
        recommended={"steps": 28, "guidance_scale": 7.0},
    )
    t5 = (Window(path / "tokenizer_3", T5_LENGTH),) if has_t5 else ()
    windows = (clip_window(path, ""), clip_window(path, "_2"), *t5)
    return SD3Folder(**facts, windows=windows, has_t5=has_t5)
