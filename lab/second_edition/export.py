"""Writes the trained networks as a Stable Diffusion folder of diffusers, in half precision."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from torch import Tensor

from lab.portraits.denoiser import build_scheduler
from lab.portraits.loop import CHECKPOINT
from lab.second_edition import denoiser
from lab.second_edition.tokens import build_tokenizer, words

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
_ABOUT = {"name": "portraits", "steps": 25, "guidance_scale": 3.0, "prompt": "a photo of a person", "sampler": "ddim"}


def averaged(folder: Path, name: str) -> dict[str, Tensor]:
    """The averaged weights of one network of a checkpoint."""
    stored, prefix = load_file(folder / CHECKPOINT), f"average/{name}/"
    return {key.removeprefix(prefix): tensor for key, tensor in stored.items() if key.startswith(prefix)}


def _rewrite(path: Path, **changes: object) -> None:
    """Set keys of a JSON file and drop the local paths that the libraries leave in it."""
    content = json.loads(path.read_text())
    content.pop("_name_or_path", None)
    path.write_text(json.dumps({**content, **changes}, indent=2) + "\n")


def export(out: Path) -> Path:
    """Assemble OUT/model from the autoencoder in OUT and the averaged weights in OUT/denoiser."""
    model, tokenizer = out / "model", build_tokenizer()
    networks = vars(denoiser.build(tokenizer, torch.device("cpu")))
    for name in ("text_encoder", "unet"):
        networks[name].load_state_dict(averaged(out / "denoiser", name), strict=False)
        networks[name].half().save_pretrained(model / name)
    refined = out / "decoder" / "vae"
    AutoencoderKL.from_pretrained(refined if refined.exists() else out / "codec" / "vae").half().save_pretrained(
        model / "vae"
    )
    tokenizer.save_pretrained(model / "tokenizer")
    tokenizer.backend_tokenizer.model.save(str(model / "tokenizer"))  # vocab.json and merges.txt, for older readers
    build_scheduler().save_pretrained(model / "scheduler")
    # transformers would keep the text encoder in half precision while diffusers loads the rest in float32.
    _rewrite(model / "text_encoder" / "config.json", dtype="float32")
    for name in ("unet", "vae"):
        _rewrite(model / name / "config.json")
    (model / "model_index.json").write_text(json.dumps(_INDEX, indent=2) + "\n")
    (model / "attrbank.json").write_text(json.dumps({**_ABOUT, "words": words()}, indent=2) + "\n")
    return model
