"""Train the detector of damage: ``python -m lab.avatars.train_damage --out DIR``; it needs OUT/vae."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from attrbank_avatars.damage import Damage, load, worst
from attrbank_avatars.eyes import save
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from lab.avatars.damage import DAMAGES, HALF_WORN, half_worn, redrawn, spoiled, spot
from lab.avatars.loop import ReportingTrainer, deadline_in, put
from lab.avatars.painting import Bank, paint
from lab.avatars.scenes import draw_scenes, paint_all
from lab.avatars.train import HELD_OUT_SEED, bank_of, held_out, load_vae, prepare
from lab.avatars.train_judge import settle
from lab.spoiling import Chance

BATCH, LEARNING_RATE, SEED, AT_ONCE = 192, 1.5e-3, 700_000, 100
LITTLE, MUCH = 0.12, (0.7, 1.4)
"""Noise on latents, in standard deviations: everywhere in whole pictures, and in one place of damaged ones."""
AS_THEY_ARE = 0.25
"""The share of pictures that are not decoded."""
VISIBLE, RARE = 0.1, 6.0
"""A difference of a pixel that counts as damage, and how much more a damaged place weighs."""
ALLOWED = 0.02
"""The share of held-out renders through the codec that may be called damaged."""


class Halves(NamedTuple):
    """Scenes of people with half a pair of glasses, and with a whole one; both (M, 3, 128, 128), uint8."""

    half: Tensor
    whole: Tensor


def loss_on(
    damage: Damage, vae: AutoencoderKL, images: Tensor, halves: Halves, seed: int, batch: int
) -> Callable[[int], Tensor]:
    """The error at step n on a batch of which half is damaged; most of either half went through the autoencoder.

    The detector is told in which places the damage is, since it finds that out very late by itself.

    Shapes:
        images: (N, 3, 128, 128), uint8, on the device.
    """
    device, each = images.device, batch // 8

    def at(step: int) -> Tensor:
        generator = torch.Generator(device=device).manual_seed(seed * 1_000_003 + step)
        rows = torch.randint(len(images), (7 * each,), generator=generator, device=device)
        clean, hurt, blotted = torch.split(images[rows].float() / 255, [4 * each, 2 * each, each])
        rows = torch.randint(len(halves.half), (each,), generator=generator, device=device)
        half, worn = halves.half[rows].float() / 255, halves.whole[rows].float() / 255
        shown = torch.cat([clean, spoiled(hurt, generator), half, blotted])
        place = functional.avg_pool2d(spot(blotted, Chance(each, generator), 0.06, 0.25), 4)
        wrong = _wrong(shown, torch.cat([clean, hurt, worn, blotted]), place)
        decoded = redrawn(vae, shown, _noise(len(shown), place, generator))
        as_it_is = torch.rand(len(shown), 1, 1, 1, generator=generator, device=device) < AS_THEY_ARE
        as_it_is[-each:] = False
        with torch.autocast(device.type, torch.bfloat16):
            places = damage.places(torch.where(as_it_is, shown, decoded))
        told = functional.binary_cross_entropy_with_logits(places, wrong, pos_weight=wrong.new_tensor(RARE))
        return told + functional.binary_cross_entropy_with_logits(worst(places), wrong.flatten(1).amax(1))

    return at


def _wrong(shown: Tensor, whole: Tensor, place: Tensor) -> Tensor:
    """1 where a picture differs from what was drawn, by places, (B, 1, 16, 16); the last ones differ at ``place``."""
    off = (shown - whole).abs().amax(1, keepdim=True)
    wrong = functional.max_pool2d(off, 8) > VISIBLE
    wrong[-len(place) :] = functional.avg_pool2d(place, 2) > 0.5
    return wrong.float()


def _noise(count: int, place: Tensor, generator: torch.Generator) -> Tensor:
    """Noise for the latents of each picture: a little, and much at ``place`` in the last ones."""
    chance, some = Chance(count, generator), Chance(len(place), generator)
    size = (LITTLE * chance.number()).expand(-1, 1, *place.shape[2:]).clone()
    size[-len(place) :] += some.number(*MUCH) * place
    return size * chance.grain(torch.empty(count, 4, *place.shape[2:]))


def main(
    out: Annotated[Path, typer.Option(help="As for lab.avatars.train; the detector becomes OUT/damage.safetensors.")],
    figures: Annotated[int, typer.Option(help="Different figures to learn from.")] = 6000,
    scenes: Annotated[int, typer.Option(help="Pictures to learn from.")] = 12_000,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 3000,
    batch: Annotated[int, typer.Option(help="Pictures a step, a multiple of 8.")] = BATCH,
    tested: Annotated[int, typer.Option(help="Pictures of held-out figures to be tested on.")] = 1000,
    max_minutes: Annotated[
        float | None, typer.Option(help="Stop, with the learning rate lowered, so many minutes from now.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train the detector, then say which share of each kind of damage it sees in figures that it has not seen."""
    deadline, place, bank = deadline_in(max_minutes), prepare(device), bank_of(out, figures)
    torch.manual_seed(SEED)
    damage, vae = put(Damage(), place), load_vae(out, place).requires_grad_(False)
    path, data = out / "damage.safetensors", f"{scenes} scenes of {bank.size} figures"
    trainer = ReportingTrainer({"damage": damage}, out / "damage", LEARNING_RATE, ema_decay=0.99, data=data)
    if trainer.step < steps or not path.exists():
        images, halves = paint(bank, scenes, SEED, place), halves_of(bank, max(8, scenes // 8), SEED, place)
        loss = loss_on(damage, vae, images, halves, SEED, batch)
        trainer.train(loss, steps, "damage", deadline, on_save=lambda: save(damage, path))
        trainer.load_average()
        settle(damage, loss)
        save(damage, path)
    report(out, bank, held_out(out, figures), tested, place)


def halves_of(bank: Bank, count: int, seed: int, device: torch.device) -> Halves:
    """``count`` scenes of people with half a pair of glasses, on a device."""
    half, whole = half_worn(bank.folder, bank.load(), HALF_WORN)
    drawn = draw_scenes(half, count, seed)
    return Halves(paint_all(drawn, half).to(device), paint_all(drawn, whole).to(device))


@torch.no_grad()
def report(out: Path, known: Bank, bank: Bank, tested: int, device: torch.device) -> None:
    """Store the threshold, and print shares of damaged pictures above it; half glasses are those of known figures."""
    path = out / "damage.safetensors"
    damage, vae = load(path).to(device), load_vae(out, device)
    images = paint(bank, tested, HELD_OUT_SEED + 2, device).float() / 255
    damage.threshold.fill_(damage.read(_decoded(vae, images)).quantile(1 - ALLOWED))
    save(damage, path)

    def seen(pictures: Tensor) -> float:
        return float(damage.sees(pictures).float().mean())

    typer.echo(f"damage: threshold {float(damage.threshold):.3f}; {seen(images):.3f} of renders as they are")
    halves = halves_of(known, max(8, tested // 4), HELD_OUT_SEED, device).half.float() / 255
    typer.echo(f"damage: half glasses seen {seen(_decoded(vae, halves)):.3f}")
    generator = torch.Generator(device=images.device).manual_seed(HELD_OUT_SEED)
    for name, spoil in DAMAGES.items():
        hurt = torch.cat([spoil(part, Chance(len(part), generator)) for part in torch.split(images, AT_ONCE)])
        typer.echo(f"damage: {name} seen {seen(_decoded(vae, hurt.clamp(0, 1))):.3f}")


def _decoded(vae: AutoencoderKL, images: Tensor) -> Tensor:
    silence = torch.zeros(1, 4, 32, 32, device=images.device)
    return torch.cat([redrawn(vae, some, silence) for some in torch.split(images, AT_ONCE)])


if __name__ == "__main__":
    typer.run(main)
