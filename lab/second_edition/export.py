"""The trained networks as the folder that ``plugins/attrbank-portraits-2`` brings."""

from __future__ import annotations

from pathlib import Path

import torch

from lab.folder import write_folder
from lab.portraits.denoiser import build_scheduler
from lab.second_edition import denoiser
from lab.second_edition.tokens import build_tokenizer, words

_ABOUT = {"name": "portraits-2", "steps": 25, "guidance_scale": 3.0, "prompt": "a photo of a person", "sampler": "ddim"}


def export(out: Path) -> Path:
    """Assemble OUT/model from the autoencoder in OUT and the averaged weights in OUT/denoiser."""
    tokenizer = build_tokenizer()
    networks, refined = vars(denoiser.build(tokenizer, torch.device("cpu"))), out / "decoder" / "vae"
    return write_folder(
        out / "model",
        {name: networks[name] for name in ("text_encoder", "unet")},
        checkpoint=out / "denoiser",
        vae=refined if refined.exists() else out / "codec" / "vae",
        tokenizer=tokenizer,
        scheduler=build_scheduler(),
        about={**_ABOUT, "words": words()},
    )
