"""Train ``avatars``: ``python -m lab.avatars.train --out DIR``; the same command goes on where a run was stopped."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL

from lab.avatars import codec, denoiser
from lab.avatars.captions import MAX_TOKENS, build_tokenizer
from lab.avatars.cutouts import Cutouts, draw_bank
from lab.avatars.examples import encode_examples, encoder_id
from lab.avatars.export import export
from lab.avatars.loop import ReportingTrainer, layout
from lab.avatars.scenes import draw_scenes, paint_all
from lab.avatars.start import PORTRAITS, start_network, start_text_encoder
from lab.portraits.denoiser import build_text_encoder, build_unet
from lab.portraits.loop import CHECKPOINT

FIGURES_SEED, CODEC_SEED, DENOISER_SEED = 1, 0, 1
HELD_OUT_SEED, HELD_OUT = 10_000, 400


def say(line: str) -> None:
    """Talk to the user, also through a log file."""
    typer.echo(line)


def train_codec(
    out: Path, cutouts: Cutouts, steps: int, scenes: int, device: torch.device, start: Path
) -> AutoencoderKL:
    """The trained autoencoder in ``OUT/vae``."""
    torch.manual_seed(CODEC_SEED)
    network = codec.build()
    if not (out / "codec" / CHECKPOINT).exists():
        say(f"autoencoder: {start_network(network, start / 'vae')} weights begin with those in {start.name}")
    network = network.to(device, memory_format=layout(device))
    data = f"{scenes} scenes of {len(cutouts)} figures"
    trainer = ReportingTrainer({"vae": network}, out / "codec", codec.LEARNING_RATE, ema_decay=0.995, data=data)
    if trainer.step >= steps and (out / "vae").exists():
        return AutoencoderKL.from_pretrained(out / "vae").to(device)
    images = paint_all(draw_scenes(cutouts, scenes, CODEC_SEED), cutouts)
    trainer.run(codec.train_step(network, images, CODEC_SEED, device), steps, None, "autoencoder")
    trainer.load_average()
    network = network.cpu()
    codec.set_scale(network, images[:256])
    _replace(network, out / "vae")
    return network.to(device)


def _replace(network: AutoencoderKL, finished: Path) -> None:
    """Put a folder in the place of an older one."""
    unfinished = finished.with_name(f"{finished.name}.new")
    network.save_pretrained(unfinished)
    rmtree(finished, ignore_errors=True)
    unfinished.rename(finished)


def train_decoder(
    out: Path, vae: AutoencoderKL, cutouts: Cutouts, steps: int, scenes: int, device: torch.device
) -> None:
    """Go on with the decoder alone, which latents do not depend on."""
    network = vae.to(memory_format=layout(device))
    network.encoder.requires_grad_(False)
    network.quant_conv.requires_grad_(False)
    parts = {"decoder": network.decoder, "post_quant_conv": network.post_quant_conv}
    data = f"{scenes} scenes of {len(cutouts)} figures by encoder {encoder_id(vae)}"
    trainer = ReportingTrainer(parts, out / "decoder", codec.LEARNING_RATE / 2, ema_decay=0.999, data=data)
    if trainer.step >= steps:
        return
    images = paint_all(draw_scenes(cutouts, scenes, CODEC_SEED + 1), cutouts)
    trainer.run(codec.train_step(network, images, CODEC_SEED + 1, device, decoder_only=True), steps, None, "decoder")
    trainer.load_average()
    _replace(network.cpu(), out / "vae")


def train_denoiser(
    out: Path,
    vae: AutoencoderKL,
    cutouts: Cutouts,
    *,
    steps: int,
    scenes: int,
    batch: int,
    device: torch.device,
    start: Path,
) -> None:
    """Train the text encoder and the UNet."""
    torch.manual_seed(DENOISER_SEED)
    tokenizer = build_tokenizer()
    text_encoder, unet = build_text_encoder(tokenizer, MAX_TOKENS), build_unet()
    if not (out / "denoiser" / CHECKPOINT).exists():
        words = start_text_encoder(text_encoder, tokenizer, start)
        weights = start_network(unet, start / "unet")
        say(f"denoiser: {words} tokens and {weights} weights begin with those in {start.name}")
    networks = denoiser.Networks(
        text_encoder=text_encoder.to(device),
        unet=unet.to(device, memory_format=layout(device)),
        reader=denoiser.build_reader().to(device),
    )
    trainer = ReportingTrainer(
        dict(vars(networks)), out / "denoiser", denoiser.LEARNING_RATE, data=f"scenes by encoder {encoder_id(vae)}"
    )
    examples = encode_examples(vae, cutouts, out / "examples", scenes)
    loss = denoiser.DenoisingLoss(networks, tokenizer, examples, seed=DENOISER_SEED, device=device, batch=batch)
    trainer.run(loss, steps, None, "denoiser")


def held_out(out: Path, count: int) -> Cutouts:
    """Figures that nothing learns from."""
    return draw_bank(out / "cutouts", count, HELD_OUT_SEED)


def main(
    out: Annotated[Path, typer.Option(help="Where cutouts, checkpoints and the finished model/ go.")],
    figures: Annotated[int, typer.Option(help="Different figures to learn from.")] = 6000,
    codec_scenes: Annotated[int, typer.Option(help="Pictures that the autoencoder learns from.")] = 3000,
    codec_steps: Annotated[int, typer.Option(help="Training steps of the autoencoder.")] = 4800,
    scenes: Annotated[int, typer.Option(help="Pictures that the denoiser learns from, in whole thousands.")] = 20_000,
    steps: Annotated[int, typer.Option(help="Training steps of the denoiser.")] = 60_000,
    batch: Annotated[int, typer.Option(help="Pictures a step of the denoiser; more of them late, and on a GPU.")] = 16,
    decoder_steps: Annotated[int, typer.Option(help="Further steps of the decoder, after the denoiser.")] = 4000,
    start: Annotated[Path, typer.Option(help="A model to begin with, wherever its weights fit.")] = PORTRAITS,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Of the CPU; one is fastest where others compute beside it.")] = 1,
    export_now: Annotated[bool, typer.Option(help="Only export what there is, finished or not.")] = False,
) -> None:
    """Draw the figures, train the autoencoder, then the denoiser, then the decoder; write OUT/model."""
    torch.set_num_threads(threads)
    if export_now:
        say(f"exported: {export(out)}")
        return
    place = torch.device(device)
    cutouts = draw_bank(out / "cutouts", figures, FIGURES_SEED)
    vae = train_codec(out, cutouts, codec_steps, codec_scenes, place, start)
    say(f"autoencoder: {fidelity(out, vae, min(HELD_OUT, figures)):.1f} dB on figures that it has not seen")
    train_denoiser(out, vae, cutouts, steps=steps, scenes=scenes, batch=batch, device=place, start=start)
    train_decoder(out, vae, cutouts, decoder_steps, codec_scenes, place)
    say(f"finished: {export(out)}")


def fidelity(out: Path, vae: AutoencoderKL, figures: int) -> float:
    """The autoencoder's signal-to-noise ratio on scenes of held-out figures, in dB."""
    cutouts = held_out(out, figures)
    images = paint_all(draw_scenes(cutouts, 64, HELD_OUT_SEED), cutouts)
    return codec.psnr(vae, images.to(vae.device))


if __name__ == "__main__":
    typer.run(main)
