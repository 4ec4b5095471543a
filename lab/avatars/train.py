"""Train ``avatars``: ``python -m lab.avatars.train --out DIR``; the same command goes on where a run was stopped."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

from attrbank.errors import IncompatibleError
from lab.avatars import codec, denoiser
from lab.avatars.captions import MAX_TOKENS, build_tokenizer
from lab.avatars.examples import encode_examples, encoder_id
from lab.avatars.export import export, replace
from lab.avatars.loop import ReportingTrainer, deadline_in, put
from lab.avatars.painting import Bank, paint
from lab.portraits.denoiser import Networks, build_text_encoder
from lab.recorded import Recorded

FIGURES_SEED, CODEC_SEED, DENOISER_SEED = 1, 0, 1
HELD_OUT_SEED, HELD_OUT = 10_000, 400
SCALED_ON = 256


class Stage(StrEnum):
    """What is trained; ``all`` is one after the other."""

    ALL = "all"
    CODEC = "codec"
    DENOISER = "denoiser"
    DECODER = "decoder"


def say(line: str) -> None:
    """Talk to the user, also through a log file."""
    typer.echo(line)


def bank_of(out: Path, figures: int) -> Bank:
    """The figures that everything learns from."""
    return Bank(out / "cutouts", figures, FIGURES_SEED)


def held_out(out: Path, figures: int) -> Bank:
    """Figures that nothing learns from."""
    return Bank(out / "cutouts", min(HELD_OUT, figures), HELD_OUT_SEED)


def load_vae(out: Path, device: torch.device) -> AutoencoderKL:
    """The trained autoencoder in ``OUT/vae``."""
    network: AutoencoderKL = put(AutoencoderKL.from_pretrained(out / "vae"), device)
    return network


def train_codec(out: Path, bank: Bank, *, steps: int, scenes: int, device: torch.device, deadline: float) -> None:
    """Train the autoencoder and write ``OUT/vae``."""
    torch.manual_seed(CODEC_SEED)
    network = put(codec.build(), device)
    data = f"{scenes} scenes of {bank.size} figures"
    trainer = ReportingTrainer({"vae": network}, out / "codec", codec.LEARNING_RATE, ema_decay=0.995, data=data)
    if trainer.step >= steps and (out / "vae").exists():
        return
    images = paint(bank, scenes, CODEC_SEED, device)
    loss = codec.train_step(network, images, CODEC_SEED, min(codec.BATCH, scenes))
    trainer.train(loss, steps, "autoencoder", deadline)
    trainer.load_average()
    codec.set_scale(network, images[:SCALED_ON])
    network = _store(network, out / "vae")
    say(f"autoencoder: {fidelity(network, held_out(out, bank.size)):.2f} dB on figures that it has not seen")


def _store(network: AutoencoderKL, finished: Path) -> AutoencoderKL:
    """Write the folder; the network is on the CPU after that, since files hold tensors in rows and columns only."""
    unfinished = finished.with_name(f"{finished.name}.new")
    network = network.to("cpu", memory_format=torch.contiguous_format)
    network.save_pretrained(unfinished)
    replace(unfinished, finished)
    return network


def fidelity(vae: AutoencoderKL, bank: Bank) -> float:
    """The autoencoder's signal-to-noise ratio on scenes of held-out figures, in dB."""
    return codec.psnr(vae, paint(bank, 64, HELD_OUT_SEED, next(vae.parameters()).device))


def train_decoder(out: Path, bank: Bank, *, steps: int, scenes: int, device: torch.device, deadline: float) -> None:
    """Go on with the decoder alone, which latents do not depend on."""
    network = load_vae(out, device)
    network.encoder.requires_grad_(False)
    network.quant_conv.requires_grad_(False)
    parts = {"decoder": network.decoder, "post_quant_conv": network.post_quant_conv}
    data = f"{scenes} scenes of {bank.size} figures by encoder {encoder_id(network)}"
    trainer = ReportingTrainer(parts, out / "decoder", codec.LEARNING_RATE / 2, ema_decay=0.999, data=data)
    if trainer.step >= steps:
        return
    images = paint(bank, scenes, CODEC_SEED + 50_000, device)
    loss = codec.train_step(network, images, CODEC_SEED + 1, min(codec.BATCH, scenes), decoder_only=True)
    trainer.train(loss, steps, "decoder", deadline)
    trainer.load_average()
    network = _store(network, out / "vae")
    say(f"decoder: {fidelity(network, held_out(out, bank.size)):.2f} dB on figures that it has not seen")


def train_denoiser(
    out: Path,
    bank: Bank,
    *,
    steps: int,
    scenes: int,
    batch: int,
    rate: float,
    device: torch.device,
    deadline: float,
    start: Path | None = None,
) -> None:
    """Train the text encoder and the UNet; OUT/model is written whenever there is a checkpoint.

    Without a checkpoint they begin with the weights of the model in ``start``, if there is one.
    """
    torch.manual_seed(DENOISER_SEED)
    vae = load_vae(out, device)
    networks = Networks(
        text_encoder=build_text_encoder(build_tokenizer(), MAX_TOKENS).to(device),
        unet=put(denoiser.build_unet(), device),
        reader=denoiser.build_reader().to(device),
    )
    if start is not None:
        go_on_from(start, networks)
    trainer = ReportingTrainer(
        dict(vars(networks)), out / "denoiser", rate, data=f"scenes by encoder {encoder_id(vae)}"
    )
    examples = encode_examples(vae, bank, scenes)
    loss = denoiser.DenoisingLoss(networks, examples, seed=DENOISER_SEED, batch=batch)
    recorded = Recorded(loss, list(trainer.parameters.values()), say)
    trainer.train(recorded, steps, "denoiser", deadline, on_save=lambda: export(out))


def adopt(start: Path, out: Path) -> None:
    """Take a model's autoencoder, since its denoiser knows no other latents.

    Raises:
        IncompatibleError: ``OUT/vae`` is another one.
    """
    theirs = AutoencoderKL.from_pretrained(start / "vae")
    if not (out / "vae").exists():
        theirs.save_pretrained(out / "vae")
    elif encoder_id(theirs.half()) != encoder_id(AutoencoderKL.from_pretrained(out / "vae").half()):  # as it is shipped
        raise IncompatibleError(
            f"{out / 'vae'} is another autoencoder than that of {start}.", hint="Use another --out."
        )


def go_on_from(start: Path, networks: Networks) -> None:
    """Put a model's weights into networks that are to be trained."""
    known = {
        "text_encoder": CLIPTextModel.from_pretrained(start / "text_encoder"),
        "unet": UNet2DConditionModel.from_pretrained(start / "unet"),
    }
    for name, network in known.items():
        getattr(networks, name).load_state_dict(network.state_dict(), strict=False)  # one knows a buffer more


def main(
    out: Annotated[Path, typer.Option(help="Where cutouts, checkpoints and the finished model/ go.")],
    stage: Annotated[Stage, typer.Option(help="What is trained.")] = Stage.ALL,
    figures: Annotated[int, typer.Option(help="Different figures to learn from.")] = 6000,
    codec_scenes: Annotated[int, typer.Option(help="Pictures that the autoencoder learns from.")] = 20_000,
    codec_steps: Annotated[int, typer.Option(help="Training steps of the autoencoder.")] = 5000,
    scenes: Annotated[int, typer.Option(help="Pictures that the denoiser learns from.")] = 60_000,
    steps: Annotated[int, typer.Option(help="Training steps of the denoiser.")] = 20_000,
    batch: Annotated[int, typer.Option(help="Pictures a step of the denoiser.")] = 512,
    rate: Annotated[float, typer.Option(help="Learning rate of the denoiser.")] = denoiser.LEARNING_RATE,
    decoder_steps: Annotated[int, typer.Option(help="Further steps of the decoder, after the denoiser.")] = 4000,
    max_minutes: Annotated[
        float | None, typer.Option(help="Stop, with the learning rate lowered, so many minutes from now.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Of the CPU; one is fastest where others compute beside it.")] = 1,
    start: Annotated[
        Path | None,
        typer.Option(help="A model that goes on where there is no checkpoint."),
    ] = None,
    export_now: Annotated[bool, typer.Option(help="Only export what there is, finished or not.")] = False,
) -> None:
    """Draw the figures, train the autoencoder, then the denoiser, then the decoder; write OUT/model."""
    deadline, place, bank = deadline_in(max_minutes), prepare(device, threads), bank_of(out, figures)
    if export_now:
        say(f"exported: {export(out)}")
        return
    if start is not None:
        adopt(start, out)
    if stage in (Stage.ALL, Stage.CODEC) and start is None:
        train_codec(out, bank, steps=codec_steps, scenes=codec_scenes, device=place, deadline=deadline)
    if stage in (Stage.ALL, Stage.DENOISER):
        train_denoiser(
            out,
            bank,
            steps=steps,
            scenes=scenes,
            batch=batch,
            rate=rate,
            device=place,
            deadline=deadline,
            start=start,
        )
    if stage in (Stage.ALL, Stage.DECODER):
        train_decoder(out, bank, steps=decoder_steps, scenes=codec_scenes, device=place, deadline=deadline)
    if stage is Stage.ALL:
        say(f"finished: {export(out)}")


def prepare(device: str, threads: int = 1) -> torch.device:
    """The device, with libraries set up for pictures of one size."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    return torch.device(device)


if __name__ == "__main__":
    typer.run(main)
