"""Train ``portraits`` from nothing: ``python -m attrbank.backbones.portraits.train --out DIR``.

Stops after ``--max-minutes`` and goes on from its checkpoints when it is called again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL
from rich.progress import track
from safetensors.torch import load_file, save_file
from torch import Tensor

from attrbank.backbones.portraits import codec, denoiser
from attrbank.backbones.portraits.captions import build_tokenizer
from attrbank.backbones.portraits.export import export
from attrbank.backbones.portraits.loop import Trainer
from attrbank.backbones.portraits.parameters import Portraits, draw
from attrbank.backbones.portraits.render import render

CODEC_RENDERS, CODEC_SEED, EXAMPLES_SEED = 3000, 0, 1  # the renderer's learning seeds end at 999

app = typer.Typer(add_completion=False)


def rendered(portraits: Portraits) -> Tensor:
    """All pictures as bytes, (N, 3, 128, 128) uint8."""
    starts = range(0, len(portraits), 256)
    parts = [(render(portraits[i : i + 256]) * 255).round().byte() for i in track(starts, "drawing", transient=True)]
    return torch.cat(parts)


def train_codec(out: Path, steps: int, renders: int, max_minutes: float | None) -> AutoencoderKL | None:
    """The trained autoencoder, or None if the time ran out."""
    torch.manual_seed(CODEC_SEED)
    network = codec.build().to(memory_format=torch.channels_last)
    trainer = Trainer({"vae": network}, out / "codec", codec.LEARNING_RATE, ema_decay=0.995)
    if trainer.step < steps or not (out / "vae" / "config.json").exists():
        images = rendered(draw(renders, CODEC_SEED))
        if not trainer.run(codec.train_step(network, images, CODEC_SEED), steps, max_minutes, "autoencoder"):
            return None
        trainer.load_average()
        codec.set_scale(network, images[:256])
        network.save_pretrained(out / "vae")
        typer.echo(f"autoencoder: {codec.psnr(network, rendered(draw(64, 10_000))):.1f} dB", err=True)
    return AutoencoderKL.from_pretrained(out / "vae")


@torch.no_grad()
def encode_examples(network: AutoencoderKL, out: Path, count: int) -> denoiser.Examples:
    """Latents of ``count`` renders, from disk if they are there."""
    path = out / "examples.safetensors"
    if path.exists():
        stored = load_file(path)
        return denoiser.Examples(stored["latents"], stored["attributes"])
    portraits, latents = draw(count, EXAMPLES_SEED), []
    for start in track(range(0, count, 64), "encoding"):
        images = render(portraits[start : start + 64]) * 2 - 1
        latents.append((network.encode(images).latent_dist.mean * network.config.scaling_factor).half())
    save_file({"latents": torch.cat(latents), "attributes": portraits.attributes}, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
    return denoiser.Examples(torch.cat(latents), portraits.attributes)


def train_denoiser(out: Path, examples: denoiser.Examples, steps: int, max_minutes: float | None) -> Trainer | None:
    """The trained text encoder and UNet in their trainer, or None if the time ran out."""
    torch.manual_seed(EXAMPLES_SEED)
    tokenizer = build_tokenizer()
    networks = denoiser.Networks(
        text_encoder=denoiser.build_text_encoder(tokenizer),
        unet=denoiser.build_unet().to(memory_format=torch.channels_last),
        reader=denoiser.build_reader(),
    )
    trainer = Trainer(dict(vars(networks)), out / "denoiser", denoiser.LEARNING_RATE)
    loss = denoiser.DenoisingLoss(networks, tokenizer, examples, EXAMPLES_SEED)
    return trainer if trainer.run(loss, steps, max_minutes, "denoiser") else None


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Where checkpoints and the finished model/ go.")],
    codec_steps: int = 1800,
    codec_renders: int = CODEC_RENDERS,
    steps: int = 15_300,
    renders: int = 14_000,
    max_minutes: Annotated[float | None, typer.Option(help="Stop each stage after this long; resume later.")] = None,
    export_now: Annotated[bool, typer.Option(help="Export what there is, finished or not.")] = False,
) -> None:
    """Train the autoencoder, then the denoiser, then write the diffusers folder OUT/model."""
    vae = train_codec(out, codec_steps, codec_renders, max_minutes)
    if vae is None:
        raise typer.Exit(0)
    trainer = train_denoiser(out, encode_examples(vae, out, renders), steps, 0 if export_now else max_minutes)
    if trainer is not None or export_now:
        export(out)


if __name__ == "__main__":
    app()
