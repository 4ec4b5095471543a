"""The trained networks as a folder: ``avatars``."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree

from lab.avatars.captions import MAX_TOKENS, build_tokenizer, words
from lab.avatars.denoiser import build_scheduler, build_unet
from lab.folder import write_folder
from lab.portraits.denoiser import build_text_encoder
from lab.portraits.loop import CHECKPOINT, metadata_of

_ABOUT = {"name": "avatars", "steps": 25, "guidance_scale": 3.0, "prompt": "a picture of a person", "sampler": "ddim"}


def export(out: Path) -> Path:
    """Assemble OUT/model from OUT/vae and the averaged weights in OUT/denoiser, in the place of an older one."""
    tokenizer, unfinished = build_tokenizer(), out / "model.new"
    rmtree(unfinished, ignore_errors=True)
    write_folder(
        unfinished,
        {"text_encoder": build_text_encoder(tokenizer, MAX_TOKENS), "unet": build_unet()},
        checkpoint=out / "denoiser",
        vae=out / "vae",
        tokenizer=tokenizer,
        scheduler=build_scheduler(),
        about={**_ABOUT, "words": words(), "steps_trained": metadata_of(out / "denoiser" / CHECKPOINT)["step"]},
    )
    return replace(unfinished, out / "model")


def replace(unfinished: Path, finished: Path) -> Path:
    """Put a folder in the place of an older one."""
    rmtree(finished, ignore_errors=True)
    return unfinished.rename(finished)
