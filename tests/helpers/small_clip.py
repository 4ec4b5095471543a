"""A random CLIP in the format of transformers, with a tokenizer that knows some words."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import CLIPConfig, CLIPModel

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


def build_clip(folder: Path, tokenizer: Path) -> Path:
    """Save it into a folder, with the files of a tokenizer; embeddings have 16 numbers, pictures 32×32 pixels."""
    torch.manual_seed(0)
    tokens = {"vocab_size": 1000, "max_position_embeddings": 24, "bos_token_id": 0, "eos_token_id": 1}
    config = CLIPConfig(
        text_config=SMALL | tokens, vision_config=SMALL | {"image_size": 32, "patch_size": 8}, projection_dim=16
    )
    CLIPModel(config).save_pretrained(folder)
    for file in tokenizer.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder
