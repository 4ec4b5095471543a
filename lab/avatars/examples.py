"""Scenes as latents, in parts on disk, so that encoding can be stopped and more can be added later."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save, save_file

from lab.avatars.cutouts import Cutouts
from lab.avatars.denoiser import Examples
from lab.avatars.scenes import Scene, draw_scenes, paint_all
from lab.avatars.truth import about_people, about_picture
from lab.portraits.loop import metadata_of

PART, BATCH = 1000, 20
FIRST_SEED = 100_000


def encoder_id(vae: AutoencoderKL) -> str:
    """Sixteen digits that stand for what decides the meaning of latents: the encoder and the scale."""
    deciding = {
        k: t.cpu().contiguous() for k, t in vae.state_dict().items() if k.startswith(("encoder.", "quant_conv."))
    }
    return sha256(save(deciding, {"scaling_factor": str(vae.config.scaling_factor)})).hexdigest()[:16]


@torch.no_grad()
def encode_examples(vae: AutoencoderKL, cutouts: Cutouts, folder: Path, count: int) -> Examples:
    """``count`` encoded scenes, made of whole parts; those that are on disk are not encoded again."""
    folder.mkdir(parents=True, exist_ok=True)
    source, latents, scenes = encoder_id(vae), [], []
    for number in range(max(1, -(-count // PART))):
        drawn = draw_scenes(cutouts, min(PART, count), FIRST_SEED + number)
        latents.append(_part(vae, cutouts, drawn, folder / f"latents-{number:03}.safetensors", source))
        scenes += drawn
    pictures = [about_picture(scene, cutouts.figures) for scene in scenes]
    return Examples(torch.cat(latents), pictures, [about_people(scene, cutouts.figures) for scene in scenes])


def _part(vae: AutoencoderKL, cutouts: Cutouts, scenes: list[Scene], path: Path, source: str) -> torch.Tensor:
    about = f"{len(scenes)} scenes of {len(cutouts)} figures by encoder {source}"
    if path.exists() and metadata_of(path).get("source") == about:
        stored: torch.Tensor = load_file(path)["latents"]
        return stored
    device, latents = next(vae.parameters()).device, []
    for start in range(0, len(scenes), BATCH):
        images = paint_all(scenes[start : start + BATCH], cutouts).to(device).float() / 127.5 - 1
        latents.append((vae.encode(images).latent_dist.mean * vae.config.scaling_factor).half().cpu())
    encoded = torch.cat(latents).contiguous()
    save_file({"latents": encoded}, path.with_suffix(".new"), metadata={"source": about})
    path.with_suffix(".new").replace(path)
    print(f"encoded: {path.name}", flush=True)
    return encoded
