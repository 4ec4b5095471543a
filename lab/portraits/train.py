"""Train ``portraits`` from nothing: ``python -m lab.portraits.train --out DIR``.

The same command goes on from the checkpoints of a run that was stopped, at each stage. Checkpoints and examples
remember what they were made from, and are used for nothing else.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import TemporaryFile
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save
from transformers import CLIPTextModel

from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.errors import AttrbankError, StorageError
from attrbank.text import printable
from lab.portraits import codec, denoiser
from lab.portraits.examples import Examples, encoded
from lab.portraits.export import export
from lab.portraits.loop import Trainer, on, place
from lab.portraits.renders import Renders, stored
from lab.portraits.tokens import build_tokenizer
from lab.recorded import Recorded

SEED = 1

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Run:
    """Where and how to train."""

    out: Path
    device: torch.device
    max_minutes: float | None = None
    final: bool = False
    """Whether the time's end is the end of a stage, so that its learning rate must fall before."""
    batch: int = denoiser.BATCH
    rate: float = denoiser.LEARNING_RATE
    """The denoiser's learning rate at the plateau."""
    start: Path | None = None
    """A model folder to go on from where there is no checkpoint."""


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


def train_codec(run: Run, found: Renders, steps: int, batch: int) -> AutoencoderKL | None:
    """The trained autoencoder, or None if the time ran out."""
    torch.manual_seed(0)
    network = on(run.device, AutoencoderKL.from_pretrained(run.start / "vae").float() if run.start else codec.build())
    network.register_to_config(scaling_factor=1.0)
    return _taught(run, "codec", network, network, codec.Lesson(network, found.images.to(run.device), batch), steps)


def refine_decoder(run: Run, network: AutoencoderKL, found: Renders, steps: int, batch: int) -> AutoencoderKL | None:
    """The same autoencoder with a decoder that was trained further: latents, and what knows them, stay as they are."""
    network.requires_grad_(False)
    decoder = torch.nn.ModuleDict({"decoder": network.decoder, "post_quant_conv": network.post_quant_conv})
    lesson = codec.Lesson(network, found.images.to(run.device), batch)
    return _taught(run, "decoder", network, decoder.requires_grad_(True), lesson, steps)


def _taught(
    run: Run, stage: str, network: AutoencoderKL, trained: torch.nn.Module, lesson: codec.Lesson, steps: int
) -> AutoencoderKL | None:
    """Train a part of an autoencoder; the result lies in OUT/STAGE/vae. None if the time ran out."""
    source = f"{len(lesson.images)} renders" + ("" if trained is network else f", {latents_of(network)}")
    trainer = Trainer({"vae": trained}, run.out / stage, codec.LEARNING_RATE, 0.998, source, say)
    finished, unfinished = run.out / stage / "vae", run.out / stage / "vae.new"
    if trainer.step < steps or not finished.exists():
        if not trainer.run(lesson, steps, run.max_minutes, stage, run.final):
            say(f"stopped: {stage} at step {trainer.step} of {steps}; the next call goes on from there")
            return None
        trainer.load_average()
        if trained is network:
            codec.set_scale(network, lesson.images)
        rmtree(finished, ignore_errors=True)  # it is of fewer steps
        network.save_pretrained(unfinished)
        unfinished.rename(finished)
        say(f"{stage}: {codec.psnr(network, render(draw(64, codec.HELD_OUT))):.2f} dB on held-out renders")
    return on(run.device, AutoencoderKL.from_pretrained(finished))


def latents_of(network: AutoencoderKL) -> str:
    """What decides about latents, in words: a hash of the encoder and of the scale."""
    parts = {**network.encoder.state_dict(prefix="encoder."), **network.quant_conv.state_dict(prefix="quant.")}
    weights = {name: tensor.cpu().contiguous() for name, tensor in parts.items()}
    return f"encoder {sha256(save(weights, {'scale': str(network.config.scaling_factor)})).hexdigest()[:16]}"


def train_denoiser(vae: AutoencoderKL, run: Run, examples: Examples, steps: int) -> bool:
    """Train the text encoder and the UNet; False if the time ran out."""
    torch.manual_seed(SEED)
    networks = denoiser.build(build_tokenizer(), run.device)
    if run.start:
        networks.text_encoder.load_state_dict(CLIPTextModel.from_pretrained(run.start / "text_encoder").state_dict())
        networks.unet.load_state_dict(UNet2DConditionModel.from_pretrained(run.start / "unet").state_dict())
    data = f"{len(examples.latents)} renders, {latents_of(vae)}"
    trainer = Trainer(dict(vars(networks)), run.out / "denoiser", run.rate, data=data, say=say)
    loss = denoiser.DenoisingLoss(networks, examples, SEED, run.batch)
    recorded = Recorded(loss, list(trainer.parameters.values()), say)
    done = trainer.run(recorded, steps, run.max_minutes, "denoiser", run.final)
    if not done:
        say(f"stopped: denoiser at step {trainer.step} of {steps}; the next call goes on from there")
    return done


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Where checkpoints and the finished model/ go.")],
    stage: Annotated[str, typer.Option(help="codec, denoiser, decoder or all: what to train now.")] = "all",
    codec_steps: Annotated[int, typer.Option(help="Training steps of the autoencoder.")] = 10_000,
    decoder_steps: Annotated[int, typer.Option(help="Further steps of its decoder alone.")] = 0,
    steps: Annotated[int, typer.Option(help="Training steps of the denoiser.")] = 60_000,
    renders: Annotated[int, typer.Option(help="Pictures to learn from.")] = 12_000,
    first: Annotated[int, typer.Option(help="Where the denoiser's begin, in parts of 250.")] = 0,
    start: Annotated[Path | None, typer.Option(help="A model folder to go on from.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads of torch; all cores if not given.")] = None,
    batch: Annotated[int, typer.Option(help="Pictures in a step of the denoiser.")] = denoiser.BATCH,
    rate: Annotated[float, typer.Option(help="Learning rate of the denoiser.")] = denoiser.LEARNING_RATE,
    codec_batch: Annotated[int, typer.Option(help="Pictures in a step of the autoencoder.")] = codec.BATCH,
    max_minutes: Annotated[float | None, typer.Option(help="Stop a stage after so many minutes.")] = None,
    final: Annotated[bool, typer.Option(help="The end of the time is the end of the training.")] = False,
    export_now: Annotated[bool, typer.Option(help="Export what there is, finished or not.")] = False,
) -> None:
    """Train the autoencoder, then the denoiser, then write the diffusers folder OUT/model.

    The same command goes on from the checkpoints of a run that was stopped.
    """
    prepare(out)
    run = Run(out, place(device, threads), 0 if export_now else max_minutes, final, batch, rate, start)
    vae: AutoencoderKL | None
    if stage == "denoiser":
        vae = _codec_of(run)
    else:
        found = stored(out / "renders.safetensors", renders)
        vae = train_codec(run, found, codec_steps, codec_batch)
        if vae and decoder_steps and stage in ("all", "decoder"):
            vae = refine_decoder(run, vae, found, decoder_steps, codec_batch)
    if vae is None or stage in ("codec", "decoder"):
        return
    finished = train_denoiser(vae, run, encoded(vae, run.device, renders, first), steps)
    if finished or export_now:
        say(f"{'finished' if finished else 'exported unfinished'}: {export(out)}")


def _codec_of(run: Run) -> AutoencoderKL:
    """The trained autoencoder of an earlier call, or that of the model that is gone on from."""
    trained = run.out / "codec" / "vae"
    if run.start and not trained.exists():
        copytree(run.start / "vae", trained)
    return on(run.device, AutoencoderKL.from_pretrained(trained).float())


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
