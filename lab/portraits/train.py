"""Train ``portraits`` from nothing: ``python -m lab.portraits.train --out DIR``.

Checkpoints and examples remember what they were made from, and are used for nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryFile
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL
from rich.progress import track
from safetensors.torch import load_file, save, save_file
from torch import Tensor

from attrbank.backbones.portraits.parameters import Portraits, draw
from attrbank.backbones.portraits.render import render
from attrbank.errors import AttrbankError, StorageError
from lab.portraits import codec, denoiser
from lab.portraits.captions import build_tokenizer
from lab.portraits.export import export
from lab.portraits.loop import Trainer, metadata_of

CODEC_RENDERS, CODEC_SEED, EXAMPLES_SEED = 3000, 0, 1  # the renderer's learning seeds end at 999

app = typer.Typer(add_completion=False)


def prepare(out: Path) -> None:
    """Make the folder and see that it can be written into, before hours of work depend on it.

    Raises:
        StorageError: it cannot.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=out).close()
    except OSError as error:
        raise StorageError(
            f"{out} cannot be used as a folder to write into: {error.strerror}.", "Choose another --out."
        ) from error


def rendered(portraits: Portraits) -> Tensor:
    """All pictures as bytes, (N, 3, 128, 128) uint8."""
    starts = range(0, len(portraits), 256)
    parts = [(render(portraits[i : i + 256]) * 255).round().byte() for i in track(starts, "drawing", transient=True)]
    return torch.cat(parts)


def trained(trainer: Trainer, loss: Callable[[int], Tensor], steps: int, max_minutes: float | None, title: str) -> bool:
    """Train up to ``steps``; False, and a line that says so, if the time ran out first."""
    done = trainer.run(loss, steps, max_minutes, title)
    if not done:
        say(f"stopped: {title} at step {trainer.step} of {steps}; the next call goes on from there")
    return done


def train_codec(out: Path, steps: int, renders: int, max_minutes: float | None) -> AutoencoderKL | None:
    """The trained autoencoder, or None if the time ran out."""
    torch.manual_seed(CODEC_SEED)
    network = codec.build().to(memory_format=torch.channels_last)
    data = f"{renders} renders of seed {CODEC_SEED}"
    trainer = Trainer({"vae": network}, out / "codec", codec.LEARNING_RATE, ema_decay=0.995, data=data)
    finished, unfinished = out / "vae", out / "vae.new"
    if trainer.step < steps or not finished.exists():
        rmtree(finished, ignore_errors=True)  # it is of fewer steps
        images = rendered(draw(renders, CODEC_SEED))
        if not trained(trainer, codec.train_step(network, images, CODEC_SEED), steps, max_minutes, "autoencoder"):
            return None
        trainer.load_average()
        codec.set_scale(network, images[:256])
        network.save_pretrained(unfinished)
        unfinished.rename(finished)
        say(f"autoencoder: {codec.psnr(network, rendered(draw(64, 10_000))):.1f} dB")
    return AutoencoderKL.from_pretrained(finished)


def source_of_examples(network: AutoencoderKL, count: int) -> str:
    """What ``count`` examples are made from, in words: the renders, and a hash of the autoencoder."""
    weights = save(network.state_dict(), {"scaling_factor": str(network.config.scaling_factor)})
    return f"{count} renders of seed {EXAMPLES_SEED} by autoencoder {sha256(weights).hexdigest()[:16]}"


@torch.no_grad()
def encode_examples(network: AutoencoderKL, out: Path, count: int) -> denoiser.Examples:
    """Latents of ``count`` renders, from disk if the same were encoded before by the same autoencoder."""
    path, source = out / "examples.safetensors", source_of_examples(network, count)
    if path.exists():
        found = metadata_of(path).get("source")
        if found == source:
            stored = load_file(path)
            return denoiser.Examples(stored["latents"], stored["attributes"])
        say(f"examples: made anew, as those on disk are {found or 'of unknown source'}, not {source}")
    portraits, latents = draw(count, EXAMPLES_SEED), []
    for start in track(range(0, count, 64), "encoding"):
        images = render(portraits[start : start + 64]) * 2 - 1
        latents.append((network.encode(images).latent_dist.mean * network.config.scaling_factor).half())
    examples = denoiser.Examples(torch.cat(latents), portraits.attributes)
    save_file(dict(vars(examples)), path.with_suffix(".new"), metadata={"source": source})
    path.with_suffix(".new").replace(path)
    return examples


def train_denoiser(vae: AutoencoderKL, out: Path, renders: int, steps: int, max_minutes: float | None) -> bool:
    """Train the text encoder and the UNet; False if the time ran out."""
    torch.manual_seed(EXAMPLES_SEED)
    tokenizer = build_tokenizer()
    networks = denoiser.Networks(
        text_encoder=denoiser.build_text_encoder(tokenizer),
        unet=denoiser.build_unet().to(memory_format=torch.channels_last),
        reader=denoiser.build_reader(),
    )
    data = source_of_examples(vae, renders)
    trainer = Trainer(dict(vars(networks)), out / "denoiser", denoiser.LEARNING_RATE, data=data)
    loss = denoiser.DenoisingLoss(networks, tokenizer, encode_examples(vae, out, renders), EXAMPLES_SEED)
    return trained(trainer, loss, steps, max_minutes, "denoiser")


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Where checkpoints and the finished model/ go.")],
    codec_steps: Annotated[int, typer.Option(help="Training steps of the autoencoder.")] = 1800,
    codec_renders: Annotated[int, typer.Option(help="Pictures that the autoencoder learns from.")] = CODEC_RENDERS,
    steps: Annotated[int, typer.Option(help="Training steps of the denoiser.")] = 15_300,
    renders: Annotated[int, typer.Option(help="Pictures that the denoiser learns from.")] = 14_000,
    max_minutes: Annotated[
        float | None,
        typer.Option(help="Stop either stage after so many minutes; drawing and encoding are not counted."),
    ] = None,
    export_now: Annotated[bool, typer.Option(help="Export what there is, finished or not.")] = False,
) -> None:
    """Train the autoencoder, then the denoiser, then write the diffusers folder OUT/model.

    This takes about two hours on two cores. The same command goes on from the checkpoints of a run that was stopped.
    """
    prepare(out)
    vae = train_codec(out, codec_steps, codec_renders, max_minutes)
    if vae is None:
        return
    finished = train_denoiser(vae, out, renders, steps, 0 if export_now else max_minutes)
    if finished or export_now:
        say(f"{'finished' if finished else 'exported unfinished'}: {export(out)}")


def say(line: str) -> None:
    """Talk to the user."""
    typer.echo(line, err=True)


def run() -> None:
    """The script; an error that the user can mend is a sentence, a hint and an exit code."""
    try:
        app()
    except AttrbankError as error:
        say(f"error: {error.message}")
        say(f"hint: {error.hint}")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
