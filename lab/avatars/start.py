"""Weights to begin with: those of another model of ours, wherever they fit."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

import attrbank
from lab.avatars.loop import start_from

PORTRAITS = Path(attrbank.__file__).parent / "backbones" / "portraits" / "model"


def start_network(network: nn.Module, part: Path) -> int:
    """Give a network the weights of a part of another model that have its shapes; how many did."""
    found = sorted(part.glob("*.safetensors"))
    if not found:
        return 0
    return start_from(network, {name: tensor.float() for name, tensor in load_file(found[0]).items()})


@torch.no_grad()
def start_text_encoder(network: CLIPTextModel, tokenizer: CLIPTokenizer, model: Path) -> int:
    """As ``start_network``, and words that both models know begin with the other's embeddings; how many words did."""
    start_network(network, model / "text_encoder")
    weights = sorted((model / "text_encoder").glob("*.safetensors"))
    if not weights:
        return 0
    other, stored, own = CLIPTokenizer.from_pretrained(model / "tokenizer"), load_file(weights[0]), network.state_dict()
    tokens = next(key for key in own if key.endswith("token_embedding.weight"))
    positions = next(key for key in own if key.endswith("position_embedding.weight"))
    if stored[tokens].shape[1] != own[tokens].shape[1]:
        return 0
    theirs = other.get_vocab()
    shared = [(number, theirs[token]) for token, number in tokenizer.get_vocab().items() if token in theirs]
    for mine, their in shared:
        own[tokens][mine] = stored[tokens][their].float()
    places = min(len(own[positions]), len(stored[positions]))
    own[positions][:places] = stored[positions][:places].float()
    return len(shared)
