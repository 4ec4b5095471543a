"""Train the second edition: ``python -m lab.second_edition.train --out DIR``.

The same command goes on from the checkpoints of a run that was stopped, at each stage. Checkpoints and examples
remember what they were made from, and are used for nothing else.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save, save_file

from attrbank.errors import AttrbankError
from attrbank.text import printable
from lab.portraits.loop import metadata_of
from lab.portraits.train import prepare
from lab.second_edition import codec, denoiser
from lab.second_edition.export import export
from lab.second_edition.loop import Trainer
from lab.second_edition.parameters import draw
from lab.second_edition.render import render
from lab.second_edition.tokens import build_tokenizer

EXAMPLES_SEED = 1  # the renderer's learning seeds end at 999
UNET = Path("unet") / "diffusion_pytorch_model.safetensors"

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Run:
    """Where and how to train."""

    out: Path
    device: torch.device
    max_minutes: float | None = None
    start: Path | None = None
    """A model of the same architecture whose autoencoder and noise predictor are started from."""
    batch: int = denoiser.BATCH
    widths: tuple[int, int, int] = codec.WIDTHS


def train_codec(run: Run, steps: int) -> AutoencoderKL | None:
    """The trained autoencoder, or None if the time ran out."""
    torch.manual_seed(0)
    network = codec.build(run.widths)
    if run.start and run.widths == codec.WIDTHS:
        network = AutoencoderKL.from_pretrained(run.start / "vae").float()
    network.register_to_config(scaling_factor=1.0)
    network = network.to(run.device, memory_format=torch.channels_last)
    return _taught(run, "codec", network, network, steps)


def refine_decoder(run: Run, network: AutoencoderKL, steps: int) -> AutoencoderKL | None:
    """The same autoencoder with a decoder that was trained further: latents, and what knows them, stay as they are."""
    network.requires_grad_(False)
    decoder = torch.nn.ModuleDict({"decoder": network.decoder, "post_quant_conv": network.post_quant_conv})
    return _taught(run, "decoder", network, decoder.requires_grad_(True), steps)


def _taught(run: Run, stage: str, network: AutoencoderKL, trained: torch.nn.Module, steps: int) -> AutoencoderKL | None:
    """Train a part of an autoencoder; the result lies in OUT/STAGE/vae. None if the time ran out."""
    source = "endless renders" if trained is network else f"endless renders, {latents_of(network)}"
    if run.widths != codec.WIDTHS:
        source += f", widths {run.widths}"
    trainer = Trainer({"vae": trained}, run.out / stage, codec.LEARNING_RATE, 0.998, source, say)
    finished, unfinished = run.out / stage / "vae", run.out / stage / "vae.new"
    if trainer.step < steps or not finished.exists():
        if not trainer.run(codec.Lesson(network, run.device), steps, run.max_minutes, stage):
            say(f"stopped: {stage} at step {trainer.step} of {steps}; the next call goes on from there")
            return None
        trainer.load_average()
        if trained is network:
            codec.set_scale(network, run.device)
        rmtree(finished, ignore_errors=True)  # it is of fewer steps
        network.save_pretrained(unfinished)
        unfinished.rename(finished)
        say(f"{stage}: {codec.psnr(network, render(draw(64, codec.HELD_OUT))):.2f} dB on held-out renders")
    return AutoencoderKL.from_pretrained(finished).to(run.device)


def latents_of(network: AutoencoderKL) -> str:
    """What decides about latents, in words: a hash of the encoder and of the scale."""
    parts = {**network.encoder.state_dict(prefix="encoder."), **network.quant_conv.state_dict(prefix="quant.")}
    weights = {name: tensor.cpu().contiguous() for name, tensor in parts.items()}
    return f"encoder {sha256(save(weights, {'scale': str(network.config.scaling_factor)})).hexdigest()[:16]}"


@torch.no_grad()
def encode_examples(network: AutoencoderKL, run: Run, count: int) -> denoiser.Examples:
    """Latents of ``count`` renders, from disk if the same were encoded before by the same encoder."""
    path, source = run.out / "examples.safetensors", f"{count} renders of seed {EXAMPLES_SEED}, {latents_of(network)}"
    if path.exists():
        found = metadata_of(path).get("source")
        if found == source:
            stored = load_file(path)
            return denoiser.Examples(stored["latents"], stored["values"])
        say(f"examples: made anew, as those on disk are {found or 'of unknown source'}, not {source}")
    portraits, latents = draw(count, EXAMPLES_SEED), []
    for start in range(0, count, 64):
        images = render(portraits[start : start + 64]).to(run.device) * 2 - 1
        latents.append((network.encode(images).latent_dist.mean * network.config.scaling_factor).half().cpu())
        if start % 2048 == 0:
            say(f"examples {start}/{count}")
    examples = denoiser.Examples(torch.cat(latents), portraits.values)
    save_file(dict(vars(examples)), path.with_suffix(".new"), metadata={"source": source})
    path.with_suffix(".new").replace(path)
    return examples


def train_denoiser(vae: AutoencoderKL, run: Run, renders: int, steps: int) -> bool:
    """Train the text encoder and the UNet; False if the time ran out."""
    torch.manual_seed(EXAMPLES_SEED)
    tokenizer = build_tokenizer()
    networks = denoiser.build(tokenizer, run.device)
    if run.start:
        denoiser.start_from(networks.unet, run.start / UNET)
    data = f"{renders} renders of seed {EXAMPLES_SEED}, {latents_of(vae)}"
    trainer = Trainer(dict(vars(networks)), run.out / "denoiser", denoiser.LEARNING_RATE, data=data, say=say)
    examples = encode_examples(vae, run, renders)
    loss = denoiser.DenoisingLoss(networks, tokenizer, examples, EXAMPLES_SEED, run.device, run.batch)
    done = trainer.run(loss, steps, run.max_minutes, "denoiser")
    if not done:
        say(f"stopped: denoiser at step {trainer.step} of {steps}; the next call goes on from there")
    return done


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Where checkpoints and the finished model/ go.")],
    codec_steps: Annotated[int, typer.Option(help="Training steps of the autoencoder.")] = 10_000,
    decoder_steps: Annotated[int, typer.Option(help="Further steps of its decoder alone.")] = 0,
    steps: Annotated[int, typer.Option(help="Training steps of the denoiser.")] = 60_000,
    renders: Annotated[int, typer.Option(help="Pictures that the denoiser learns from.")] = 24_000,
    start: Annotated[
        Path | None, typer.Option(help="A model folder to start from, such as the first edition's.")
    ] = None,
    widths: Annotated[tuple[int, int, int], typer.Option(help="Channels of the autoencoder's levels.")] = codec.WIDTHS,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads of torch; all cores if not given.")] = None,
    batch: Annotated[int, typer.Option(help="Pictures in a step of the denoiser.")] = denoiser.BATCH,
    max_minutes: Annotated[float | None, typer.Option(help="Stop a stage after so many minutes.")] = None,
    export_now: Annotated[bool, typer.Option(help="Export what there is, finished or not.")] = False,
) -> None:
    """Train the autoencoder, then the denoiser, then write the diffusers folder OUT/model.

    The same command goes on from the checkpoints of a run that was stopped.
    """
    torch.set_num_threads(threads or os.cpu_count() or 1)
    prepare(out)
    run = Run(out, torch.device(device), 0 if export_now else max_minutes, start, batch, widths)
    vae = train_codec(run, codec_steps)
    if vae and decoder_steps:
        vae = refine_decoder(run, vae, decoder_steps)
    if vae is None:
        return
    finished = train_denoiser(vae, run, renders, steps)
    if finished or export_now:
        say(f"{'finished' if finished else 'exported unfinished'}: {export(out)}")


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
