"""Small random models in the real folder format of diffusers, for tests that need a backbone and not its beauty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

WORDS = ("a", "photo", "of", "person", "man", "woman", "old", "young", "smiling", "with", "without", "glasses", "hat")

SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "prediction_type": "epsilon",
}

UNET: Mapping[str, Any] = {
    "sample_size": 16,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "attention_head_dim": 8,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
}


def build_pipeline(folder: Path, *, half: bool = False, seed: int = 0, **scheduler: object) -> Path:
    """Save a random Stable Diffusion model with 4×16×16 latents and 32×32 pictures under ``folder``.

    Args:
        folder: where to write; it is created.
        half: save the weights in float16.
        seed: of the weights.
        scheduler: what ``scheduler_config.json`` shall say beside or instead of ``SCHEDULER``.
    """
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel

    _begin(seed)
    networks = {
        "text_encoder": CLIPTextModel(text_config(save_tokenizer(folder / "tokenizer"), width=32)),
        "unet": UNet2DConditionModel(**UNET, cross_attention_dim=32),
        "vae": build_codec(),
    }
    return save_pipeline(folder, "StableDiffusionPipeline", networks, {**SCHEDULER, **scheduler}, half=half)


def build_xl_pipeline(folder: Path, *, half: bool = False, seed: int = 0, **scheduler: object) -> Path:
    """Save a random Stable Diffusion XL model of the same sizes; arguments as ``build_pipeline``."""
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    _begin(seed)
    vocabularies = [save_tokenizer(folder / name) for name in ("tokenizer", "tokenizer_2")]
    unet = UNet2DConditionModel(
        **UNET,
        cross_attention_dim=32 + 48,
        transformer_layers_per_block=(2, 1),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 48,
    )
    networks = {
        "text_encoder": CLIPTextModel(text_config(vocabularies[0], width=32)),
        "text_encoder_2": CLIPTextModelWithProjection(text_config(vocabularies[1], width=48)),
        "unet": unet,
        "vae": build_codec(),
    }
    return save_pipeline(folder, "StableDiffusionXLPipeline", networks, {**SCHEDULER, **scheduler}, half=half)


def build_codec(latent_channels: int = 4, **config: object) -> Any:
    """A random ``AutoencoderKL`` that halves height and width."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(16, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
        latent_channels=latent_channels,
        sample_size=32,
        **config,
    )


def save_pipeline(
    folder: Path, pipeline: str, networks: Mapping[str, Any], scheduler: Mapping[str, object], *, half: bool = False
) -> Path:
    """Save networks and a scheduler's configuration beside the tokenizers that are in the folder already.

    Args:
        folder: where to write.
        pipeline: the class of diffusers that ``model_index.json`` is to name.
        networks: part of the folder -> network.
        scheduler: the contents of ``scheduler_config.json``.
        half: save the weights in float16.
    """
    index: dict[str, object] = {"_class_name": pipeline, "scheduler": ["diffusers", scheduler["_class_name"]]}
    for name, network in networks.items():
        (network.half() if half else network).save_pretrained(folder / name)
        index[name] = [type(network).__module__.partition(".")[0], type(network).__name__]
    for tokenizer in folder.glob("tokenizer*"):
        index[tokenizer.name] = ["transformers", _tokenizer_class(tokenizer)]
    if pipeline == "StableDiffusionPipeline":
        index |= {"safety_checker": [None, None], "feature_extractor": [None, None], "requires_safety_checker": False}
    _write_json(folder / "scheduler" / "scheduler_config.json", scheduler)
    _write_json(folder / "model_index.json", index)
    return folder


def _begin(seed: int) -> None:
    torch.set_num_threads(1)  # tiny networks only lose time on more
    torch.manual_seed(seed)


def text_config(vocabulary: Mapping[str, int], width: int) -> Any:
    """The configuration of a small CLIP text encoder for the tokenizer with that vocabulary."""
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        intermediate_size=64,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=24,
        bos_token_id=vocabulary["<|startoftext|>"],
        eos_token_id=vocabulary["<|endoftext|>"],
        pad_token_id=vocabulary["<|endoftext|>"],
    )


def save_tokenizer(folder: Path) -> dict[str, int]:
    """Vocabulary and merges as on the disks of this world: each word is one token, letters are the fallback."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + [",", "."]
    symbols = [*letters, *(f"{letter}</w>" for letter in letters)]
    merges: list[str] = []
    for word in WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            merges.append(f"{parts[0]} {parts[1]}")
            parts[:2] = [parts[0] + parts[1]]
            symbols.append(parts[0])
    symbols += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {symbol: index for index, symbol in enumerate(dict.fromkeys(symbols))}
    _write_json(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *dict.fromkeys(merges)]) + "\n")
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "CLIPTokenizer",
            "bos_token": "<|startoftext|>",
            "eos_token": "<|endoftext|>",
            "unk_token": "<|endoftext|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": 24,
        },
    )
    return vocabulary


def _tokenizer_class(folder: Path) -> object:
    return json.loads((folder / "tokenizer_config.json").read_text())["tokenizer_class"]


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2))
