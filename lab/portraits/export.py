"""The trained networks as the folder that ships: ``portraits``."""

from __future__ import annotations

from pathlib import Path

import torch

from lab.folder import write_folder
from lab.portraits import denoiser
from lab.portraits.tokens import build_tokenizer, words

_ABOUT = {"name": "portraits", "steps": 25, "guidance_scale": 3.0, "prompt": "a photo of a person", "sampler": "ddim"}


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
        scheduler=denoiser.build_scheduler(),
        about={**_ABOUT, "words": words()},
    )
