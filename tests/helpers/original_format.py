"""A diffusers folder's weights as one checkpoint file with the tensor names of the first Stable Diffusion code.

The reverse of what ``from_single_file`` does, for UNets with one layer a block, as the tiny models have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

Weights = Mapping[str, Tensor]
Rules = Sequence[tuple[str, str]]

RESNET: Rules = (
    (r"norm1\.", "in_layers.0."),
    (r"conv1\.", "in_layers.2."),
    (r"norm2\.", "out_layers.0."),
    (r"conv2\.", "out_layers.3."),
    (r"time_emb_proj\.", "emb_layers.1."),
    (r"conv_shortcut\.", "skip_connection."),
)
UNET: Rules = (
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^add_embedding\.linear_1", "label_emb.0.0"),
    (r"^add_embedding\.linear_2", "label_emb.0.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
    (r"^down_blocks\.0\.resnets\.0", "input_blocks.1.0"),
    (r"^down_blocks\.0\.attentions\.0", "input_blocks.1.1"),
    (r"^down_blocks\.0\.downsamplers\.0\.conv", "input_blocks.2.0.op"),
    (r"^down_blocks\.1\.resnets\.0", "input_blocks.3.0"),
    (r"^mid_block\.resnets\.0", "middle_block.0"),
    (r"^mid_block\.attentions\.0", "middle_block.1"),
    (r"^mid_block\.resnets\.1", "middle_block.2"),
    (r"^up_blocks\.0\.resnets\.0", "output_blocks.0.0"),
    (r"^up_blocks\.0\.resnets\.1", "output_blocks.1.0"),
    (r"^up_blocks\.0\.upsamplers\.0\.conv", "output_blocks.1.1.conv"),
    (r"^up_blocks\.1\.resnets\.0", "output_blocks.2.0"),
    (r"^up_blocks\.1\.attentions\.0", "output_blocks.2.1"),
    (r"^up_blocks\.1\.resnets\.1", "output_blocks.3.0"),
    (r"^up_blocks\.1\.attentions\.1", "output_blocks.3.1"),
)
CODEC: Rules = (
    (r"conv_norm_out", "norm_out"),
    (r"conv_shortcut", "nin_shortcut"),
    (r"down_blocks\.(\d)\.resnets\.", r"down.\1.block."),
    (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
    (r"up_blocks\.0\.resnets\.", "up.1.block."),
    (r"up_blocks\.1\.resnets\.", "up.0.block."),
    (r"up_blocks\.0\.upsamplers\.0", "up.1.upsample"),
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block\.attentions\.0", "mid.attn_1"),
    (r"group_norm", "norm"),
    (r"to_out\.0", "proj_out"),
    (r"to_([qkv])", r"\1"),
)
OPEN_CLIP: Rules = (
    (r"^text_model\.embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"^text_model\.embeddings\.token_embedding", "token_embedding"),
    (r"^text_model\.final_layer_norm", "ln_final"),
    (r"^text_projection\.weight", "text_projection"),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"layer_norm", "ln_"),
    (r"\.fc1\.", ".c_fc."),
    (r"\.fc2\.", ".c_proj."),
    (r"\.self_attn", ".attn"),
)


def save_checkpoint(folder: Path, path: Path) -> Path:
    """Write all weights of a Stable Diffusion or Stable Diffusion XL folder to one file."""
    weights = {f"model.diffusion_model.{name}": tensor for name, tensor in _unet(_weights(folder / "unet"))}
    weights |= {f"first_stage_model.{name}": tensor for name, tensor in _codec(_weights(folder / "vae"))}
    large = (folder / "text_encoder_2").is_dir()
    clip = "conditioner.embedders.0.transformer" if large else "cond_stage_model.transformer"
    weights |= {f"{clip}.text_model.{name}": tensor for name, tensor in _clip(_weights(folder / "text_encoder"))}
    if large:
        second = _open_clip(_weights(folder / "text_encoder_2"))
        weights |= {f"conditioner.embedders.1.model.{name}": tensor for name, tensor in second}
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    return path


def _weights(folder: Path) -> Weights:
    (file,) = folder.glob("*.safetensors")
    return load_file(file)


def _renamed(name: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _unet(weights: Weights) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in weights.items():
        yield _renamed(name, [*(RESNET if ".resnets." in name else ()), *UNET]), tensor


def _codec(weights: Weights) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in weights.items():
        is_projection = ".attentions." in name and tensor.dim() == 2
        yield _renamed(name, CODEC), tensor[:, :, None, None] if is_projection else tensor


def _clip(weights: Weights) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in weights.items():
        yield name.removeprefix("text_model."), tensor


def _open_clip(weights: Weights) -> Iterator[tuple[str, Tensor]]:
    """Queries, keys and values are one tensor there, and the last projection lies the other way."""
    for name, tensor in weights.items():
        if ".q_proj." in name:
            whole = torch.cat([weights[name.replace(".q_proj.", f".{part}_proj.")] for part in "qkv"])
            yield _renamed(name, OPEN_CLIP).replace(".q_proj.", ".in_proj_"), whole
        elif not re.search(r"\.[kv]_proj\.", name):
            yield _renamed(name, OPEN_CLIP), tensor.T if name == "text_projection.weight" else tensor
