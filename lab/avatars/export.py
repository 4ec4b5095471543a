"""The trained networks as a folder: ``avatars``."""

from __future__ import annotations

from pathlib import Path

from lab.avatars.captions import MAX_TOKENS, build_tokenizer, words
from lab.folder import write_folder
from lab.portraits.denoiser import build_scheduler, build_text_encoder, build_unet
from lab.portraits.loop import CHECKPOINT, metadata_of

_ABOUT = {"name": "avatars", "steps": 25, "guidance_scale": 3.0, "prompt": "a picture of a person", "sampler": "ddim"}


def export(out: Path) -> Path:
    """Assemble OUT/model from OUT/vae and the averaged weights in OUT/denoiser."""
    tokenizer = build_tokenizer()
    return write_folder(
        out / "model",
        {"text_encoder": build_text_encoder(tokenizer, MAX_TOKENS), "unet": build_unet()},
        checkpoint=out / "denoiser",
        vae=out / "vae",
        tokenizer=tokenizer,
        scheduler=build_scheduler(),
        about={**_ABOUT, "words": words(), "steps_trained": metadata_of(out / "denoiser" / CHECKPOINT)["step"]},
    )
