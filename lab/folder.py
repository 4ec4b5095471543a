"""Trained networks as a Stable Diffusion folder of diffusers, in half precision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL
from safetensors.torch import load_file
from torch import Tensor, nn

from lab.portraits.loop import CHECKPOINT

_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.35.0",
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "image_encoder": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def averaged(folder: Path, name: str) -> dict[str, Tensor]:
    """The averaged weights of one network out of a checkpoint."""
    stored, prefix = load_file(folder / CHECKPOINT), f"average/{name}/"
    return {key.removeprefix(prefix): tensor for key, tensor in stored.items() if key.startswith(prefix)}


def write_folder(
    model: Path,
    networks: Mapping[str, nn.Module],
    *,
    checkpoint: Path,
    vae: Path,
    tokenizer: Any,
    scheduler: Any,
    about: Mapping[str, object],
) -> Path:
    """Write the folder, and return it.

    Args:
        model: where to.
        networks: ``text_encoder`` and ``unet``, to take the averaged weights.
        checkpoint: the folder of those.
        vae: the folder of the autoencoder.
        tokenizer: of transformers.
        scheduler: of diffusers.
        about: what ``attrbank.json`` says of the model.
    """
    for name, network in networks.items():
        network.load_state_dict(averaged(checkpoint, name), strict=False)
        network.half().save_pretrained(model / name)  # type: ignore[operator]
    AutoencoderKL.from_pretrained(vae).half().save_pretrained(model / "vae")
    tokenizer.save_pretrained(model / "tokenizer")
    tokenizer.backend_tokenizer.model.save(str(model / "tokenizer"))  # vocab.json and merges.txt, for older readers
    scheduler.save_pretrained(model / "scheduler")
    # transformers would keep the text encoder in half precision while diffusers loads the rest in float32.
    _rewrite(model / "text_encoder" / "config.json", dtype="float32")
    for name in ("unet", "vae"):
        _rewrite(model / name / "config.json")
    (model / "model_index.json").write_text(json.dumps(_INDEX, indent=2) + "\n")
    (model / "attrbank.json").write_text(json.dumps(about, indent=2) + "\n")
    return model


def _rewrite(path: Path, **changes: object) -> None:
    """Set keys of a JSON file and drop the local paths that the libraries leave in it."""
    content = json.loads(path.read_text())
    content.pop("_name_or_path", None)
    path.write_text(json.dumps({**content, **changes}, indent=2) + "\n")
