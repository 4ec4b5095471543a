"""Train the eyes and the damage detector: ``python -m lab.second_edition.train_oracle ROLE --out DIR``.

ROLE is judge, tuner or damage. The same command goes on from a run that was stopped. ``--codec`` names the
autoencoder whose blemishes the judge and the detector must know: without it they see renders only.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import torch
import typer
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from lab.second_edition.codec import HELD_OUT, round_trip
from lab.second_edition.loop import Trainer
from lab.second_edition.oracle import Damage, Eye, Reading, build, restore, store
from lab.second_edition.parameters import GRADES, Portraits, draw
from lab.second_edition.render import render
from lab.second_edition.spoil import BLEMISHES, Chance, damaged, half_drawn, soften
from lab.second_edition.visible import READ_KINDS, READ_NUMBERS, kind_seen, numbers, numbers_seen

BATCH, BLOCK, LEARNING_RATE = 64, 256, 1e-3
SEEDS = {"judge": 1 << 33, "tuner": 1 << 34, "damage": 1 << 35}
STEPS = {"judge": 12_000, "tuner": 8000, "damage": 6000}
NUMBERS_WEIGHT, HALF_SHARE, NOISED = 10.0, 0.1, 0.4
ALARMS = 0.02
"""The share of held-out renders through the codec that the detector may call damaged."""

Codec: TypeAlias = AutoencoderKL | None


def reading_loss(reading: Reading, portraits: Portraits) -> Tensor:
    """Squared error of the numbers plus cross-entropy of the kinds, of what can be seen."""
    device = reading.numbers.device
    seen = numbers_seen(portraits).to(device)
    squares = ((reading.numbers - numbers(portraits).to(device)).square() * seen).sum() / seen.sum()
    total = NUMBERS_WEIGHT * squares
    for name in READ_KINDS:
        chosen = kind_seen(portraits, name).to(device)
        if chosen.any():
            wanted = portraits.column(name).long().to(device)
            total = total + functional.cross_entropy(reading.kinds[name][chosen], wanted[chosen]) / len(READ_KINDS)
    return total


def through(vae: AutoencoderKL, images: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    """Images (N, 3, 128, 128) in [0, 1], decoded from latents with normal noise of this size, in units of latents."""
    device = next(vae.parameters()).device
    with torch.no_grad():
        latents = vae.encode(images.to(device) * 2 - 1).latent_dist.mean
        spread = noise / vae.config.scaling_factor * torch.randn(latents.shape, generator=generator).to(device)
        decoded: Tensor = vae.decode(latents + spread).sample.float().cpu()
    return (decoded / 2 + 0.5).clamp(0, 1)


def lesson_for_judge(portraits: Portraits, seed: int, vae: Codec) -> tuple[Portraits, Tensor]:
    """Renders blemished in turn, some through noised latents, some with half a pair of glasses, which count as none."""
    images = render(portraits)
    chance = Chance(len(images), seed)
    half = (chance.number().flatten() < HALF_SHARE) & (portraits.column("glasses") > 0)
    halves = half.nonzero().flatten()
    images[halves] = half_drawn(portraits[halves], images[halves], "glasses")
    portraits = portraits.having("glasses", portraits.column("glasses") * ~half)
    for number, blemish in enumerate(BLEMISHES):
        rows = torch.arange(len(images))[number :: len(BLEMISHES) + 1]
        images[rows] = blemish(images[rows], Chance(len(rows), seed + number))
    if vae is not None:
        rows = torch.arange(0, len(images), 2)
        noise = NOISED * float(torch.rand(1, generator=chance.generator))
        images[rows] = through(vae, images[rows], noise, chance.generator)
    return portraits, images


def lesson_for_tuner(portraits: Portraits, seed: int, vae: Codec) -> tuple[Portraits, Tensor]:
    """Renders that are a little soft or sharp: what the first edition's oracles were trained on."""
    del vae
    images = render(portraits)
    return portraits, soften(images, Chance(len(images), seed))


def lesson_for_damage(portraits: Portraits, seed: int, vae: Codec) -> tuple[Portraits, Tensor]:
    """First half whole, second half the same damaged, both through the codec if there is one."""
    whole = render(portraits[: len(portraits) // 2])
    images = torch.cat([whole, damaged(portraits[: len(whole)], whole, seed)])
    return portraits, images if vae is None else round_trip(vae, images)


_LESSONS: dict[str, Callable[[Portraits, int, Codec], tuple[Portraits, Tensor]]] = {
    "judge": lesson_for_judge,
    "tuner": lesson_for_tuner,
    "damage": lesson_for_damage,
}


class Lesson:
    """The loss at step n; pictures are drawn in blocks, each of which is learned from four times in another order."""

    def __init__(self, role: str, network: nn.Module, device: torch.device, vae: Codec) -> None:
        self.role, self.network, self.device, self.vae = role, network, device, vae
        self.block = functools.lru_cache(maxsize=2)(self._block)

    def _block(self, number: int) -> tuple[Portraits, Tensor]:
        seed = SEEDS[self.role] + 16 * number
        return _LESSONS[self.role](draw(BLOCK, seed), seed, self.vae)

    def __call__(self, step: int) -> Tensor:
        """The loss; a pure function of the step and the networks."""
        portraits, images = self.block(step // (4 * BLOCK // BATCH))
        chosen = torch.randint(BLOCK, (BATCH,), generator=torch.Generator().manual_seed(step))
        shown = images[chosen].to(self.device)
        if self.role == "damage":
            wanted = (chosen >= BLOCK // 2).float().to(self.device)
            return functional.binary_cross_entropy_with_logits(self.network(shown), wanted)
        return reading_loss(self.network(shown), portraits[chosen])


def settle(network: nn.Module, lesson: Lesson, step: int) -> None:
    """Take the statistics of batch norms anew for averaged weights."""
    network.train()
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
    with torch.no_grad():
        for number in range(16):
            lesson(step + number)
    network.eval()


def r_squared(eye: Eye, portraits: Portraits, images: Tensor) -> dict[str, float]:
    """For each number the explained share of its variance, over the portraits on which it can be seen."""
    read, wanted, seen = eye.read(images).numbers, numbers(portraits), numbers_seen(portraits)
    found = {}
    for column, name in enumerate(READ_NUMBERS):
        truth, guess = wanted[seen[:, column], column], read[seen[:, column], column]
        found[name] = float(1 - (guess - truth).square().sum() / (truth - truth.mean()).square().sum())
    return found


def accuracy(eye: Eye, portraits: Portraits, images: Tensor) -> dict[str, float]:
    """For each kind the share of portraits on which it is read rightly, where it can be seen."""
    reading = eye.read(images)
    return {
        name: float((reading.kind(name) == portraits.column(name))[kind_seen(portraits, name)].float().mean())
        for name in READ_KINDS
    }


@torch.no_grad()
def threshold(detector: Damage, whole: Tensor) -> float:
    """The logit above which ``ALARMS`` of whole pictures lie."""
    return float(torch.cat([detector(part) for part in torch.split(whole, 64)]).quantile(1 - ALARMS))


def report(role: str, network: nn.Module, vae: Codec, count: int) -> None:
    """Say how well it reads, or sees damage in, held-out renders."""
    portraits = draw(count, HELD_OUT)
    images = render(portraits) if vae is None else round_trip(vae, render(portraits))
    if isinstance(network, Eye):
        found = r_squared(network, portraits, images)
        typer.echo(f"{role}: r² {' '.join(f'{name} {found[name]:.3f}' for name in GRADES)}")
        typer.echo(f"{role}: least r² {min(found.values()):.3f} ({min(found, key=lambda name: found[name])})")
        typer.echo(f"{role}: rightly read {accuracy(network, portraits, images)}")
    elif isinstance(network, Damage):
        limit = threshold(network, images)
        spoilt = damaged(portraits, render(portraits), HELD_OUT)
        spoilt = spoilt if vae is None else round_trip(vae, spoilt)
        with torch.no_grad():
            seen = torch.cat([network(part) for part in torch.split(spoilt, 64)]) > limit
        typer.echo(f"damage: {seen.float().mean():.3f} of damaged pictures seen at threshold {limit:.3f}")


def main(
    role: Annotated[str, typer.Argument(help="judge, tuner or damage")],
    out: Annotated[Path, typer.Option(help="Where checkpoints and weights go.")],
    codec: Annotated[Path | None, typer.Option(help="A vae/ folder.")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    held_out: Annotated[int, typer.Option(help="Renders to measure on.")] = 1024,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads of torch; all cores if not given.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes.")] = None,
) -> None:
    """Train one network, store its weights in OUT/ROLE.safetensors and say how well it sees."""
    torch.set_num_threads(threads or os.cpu_count() or 1)
    if role not in _LESSONS:
        raise typer.BadParameter("choose judge, tuner or damage")
    where, wanted = torch.device(device), STEPS[role] if steps is None else steps
    torch.manual_seed(SEEDS[role] % 1000)
    network: nn.Module = Damage() if role == "damage" else build("judge" if role == "judge" else "tuner")
    vae = AutoencoderKL.from_pretrained(codec).to(where).eval() if codec else None
    lesson = Lesson(role, network.to(where), where, vae)
    source = f"endless renders{' through a codec' if codec else ''}"
    trainer = Trainer({role: network}, out / role, LEARNING_RATE, 0.995, source, typer.echo)
    if not trainer.run(lesson, wanted, max_minutes, role):
        typer.echo(f"stopped: {role} at step {trainer.step} of {wanted}; the next call goes on from there")
        return
    trainer.load_average()
    settle(network, lesson, wanted)
    store(network.cpu(), out / f"{role}.safetensors")
    report(role, restore(network, out / f"{role}.safetensors"), vae.cpu() if vae else None, held_out)


if __name__ == "__main__":
    typer.run(main)
