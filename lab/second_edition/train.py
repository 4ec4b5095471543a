"""Train the second edition: ``python -m lab.second_edition.train --out DIR``.

The same command goes on from the checkpoints of a run that was stopped, at each stage.
"""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import rmtree
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL

from attrbank.backbones.portraits.train import prepare
from attrbank.errors import AttrbankError
from attrbank.text import printable
from lab.second_edition import codec
from lab.second_edition.loop import Trainer
from lab.second_edition.parameters import draw
from lab.second_edition.render import render

app = typer.Typer(add_completion=False)


def train_codec(
    out: Path, steps: int, start: Path | None, device: torch.device, max_minutes: float | None, compiled: bool
) -> AutoencoderKL | None:
    """The trained autoencoder, or None if the time ran out."""
    torch.manual_seed(0)
    network = AutoencoderKL.from_pretrained(start).float() if start else codec.build()
    network = network.to(device, memory_format=torch.channels_last)
    trainer = Trainer({"vae": network}, out / "codec", codec.LEARNING_RATE, 0.998, "endless renders", say)
    finished, unfinished = out / "vae", out / "vae.new"
    if trainer.step < steps or not finished.exists():
        if compiled:
            network.encoder.compile()
            network.decoder.compile()
        if not trainer.run(codec.Lesson(network, device), steps, max_minutes, "autoencoder"):
            say(f"stopped: autoencoder at step {trainer.step} of {steps}; the next call goes on from there")
            return None
        trainer.load_average()
        codec.set_scale(network, device)
        rmtree(finished, ignore_errors=True)  # it is of fewer steps
        network.save_pretrained(unfinished)
        unfinished.rename(finished)
        say(f"autoencoder: {codec.psnr(network, render(draw(64, codec.HELD_OUT))):.2f} dB on held-out renders")
    return AutoencoderKL.from_pretrained(finished).to(device)


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Where checkpoints and the finished model/ go.")],
    codec_steps: Annotated[int, typer.Option(help="Training steps of the autoencoder.")] = 10_000,
    codec_start: Annotated[Path | None, typer.Option(help="A vae/ folder to start from.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
    max_minutes: Annotated[float | None, typer.Option(help="Stop either stage after so many minutes.")] = None,
    compiled: Annotated[bool, typer.Option(help="Compile the networks: a third faster after two minutes.")] = False,
) -> None:
    """Train the autoencoder, then the denoiser, then write the diffusers folder OUT/model."""
    torch.set_num_threads(threads)
    prepare(out)
    train_codec(out, codec_steps, codec_start, torch.device(device), max_minutes, compiled)


def say(line: str) -> None:
    """Talk to the user."""
    typer.echo(printable(line), err=True)


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
