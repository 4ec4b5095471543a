"""The trained networks as the folder that ships: ``portraits``."""

from __future__ import annotations

from pathlib import Path

from lab.folder import write_folder
from lab.portraits import denoiser
from lab.portraits.captions import build_tokenizer, words

_ABOUT = {"name": "portraits", "steps": 25, "guidance_scale": 3.0, "prompt": "a photo of a person", "sampler": "ddim"}


def export(out: Path) -> Path:
    """Assemble OUT/model from OUT/vae and the averaged weights in OUT/denoiser."""
    tokenizer = build_tokenizer()
    return write_folder(
        out / "model",
        {"text_encoder": denoiser.build_text_encoder(tokenizer), "unet": denoiser.build_unet()},
        checkpoint=out / "denoiser",
        vae=out / "vae",
        tokenizer=tokenizer,
        scheduler=denoiser.build_scheduler(),
        about={**_ABOUT, "words": words()},
    )
