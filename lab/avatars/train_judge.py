"""Train an eye on renders: ``python -m lab.avatars.train_judge --out DIR``; it goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import torch
import typer
from attrbank_avatars.eyes import Eye, Role, SceneRead, build, load, save
from attrbank_avatars.truth import GEOMETRY, MOST_PEOPLE, PICTURE, TILT_UNIT, TRAITS_READ
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from lab.avatars.codec import through
from lab.avatars.cutouts import Cutouts
from lab.avatars.examples import encode
from lab.avatars.loop import ReportingTrainer, deadline_in, layout, put
from lab.avatars.painting import Bank, paint, scenes
from lab.avatars.scenes import Scene
from lab.avatars.train import HELD_OUT_SEED, bank_of, held_out, load_vae, prepare
from lab.avatars.truth import about_people, about_picture

BATCH, LEARNING_RATE = 256, 1.5e-3
SEEDS: dict[Role, int] = {"judge": 500_000, "tuner": 600_000}
UNSEEN = -100  # what cross_entropy leaves out
JITTER, SETTLING = 0.03, 100
MOST_NOISE = 0.4
"""Of latents that the judge reads through the decoder, in their own standard deviations."""


class Answers:
    """The truth about scenes as numbers.

    Shapes:
        picture: (N,) for each of ``PICTURE``.
        people: (N, 2) for each of ``TRAITS_READ``, ``UNSEEN`` where there is nothing to be read.
        geometry: (N, 2, 5), columns as in ``judge.GEOMETRY``.
        there: (N, 2), 1 where there is a figure.
        sided: (N, 2), 1 where there is one that looks to a side; others look nearly the same in a mirror.
    """

    def __init__(self, scenes: Sequence[Scene], cutouts: Cutouts) -> None:
        pictures = [about_picture(scene, cutouts.figures) for scene in scenes]
        self.picture = {
            name: torch.tensor([values.index(picture[name]) for picture in pictures])
            for name, values in PICTURE.items()
        }
        geometry = np.zeros((len(scenes), MOST_PEOPLE, len(GEOMETRY)), np.float32)
        there, sided = np.zeros((2, len(scenes), MOST_PEOPLE), np.float32)
        people = {name: np.full((len(scenes), MOST_PEOPLE), UNSEEN) for name in TRAITS_READ}
        for row, scene in enumerate(scenes):
            told = about_people(scene, cutouts.figures)
            for number, (place, person) in enumerate(zip(scene.places, told, strict=True)):
                there[row, number], sided[row, number] = 1, "looks" in person
                geometry[row, number] = (place.x, place.y, place.scale, place.tilt / TILT_UNIT, place.flipped)
                for name, known in TRAITS_READ.items():
                    if name in person:
                        people[name][row, number] = known.index(person[name])
        self.geometry, self.there, self.sided = (torch.from_numpy(part) for part in (geometry, there, sided))
        self.people = {name: torch.from_numpy(told) for name, told in people.items()}

    def to(self, device: torch.device) -> Answers:
        """All numbers on a device."""
        self.picture = {name: answers.to(device) for name, answers in self.picture.items()}
        self.people = {name: answers.to(device) for name, answers in self.people.items()}
        self.geometry, self.there, self.sided = (part.to(device) for part in (self.geometry, self.there, self.sided))
        return self


def blemish(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur and grain of random strength, so that the judge also reads what a decoder makes."""
    device = images.device
    amount, strength = torch.rand(2, len(images), 1, 1, 1, generator=generator, device=device)
    blurred = functional.avg_pool2d(functional.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    grain = 0.05 * strength * torch.randn(images.shape, generator=generator, device=device)
    mixed: Tensor = torch.lerp(images, blurred, amount * 0.8) + grain
    return mixed.clamp(0, 1)


class Pictures:
    """Pictures to learn to read: renders as they are, or half of them from latents with noise, and all blemished.

    Args:
        images: (N, 3, 128, 128), uint8, on the device.
        vae: decodes; renders as they are if not given.
    """

    def __init__(self, images: Tensor, vae: AutoencoderKL | None) -> None:
        self.images, self.vae = images, vae
        self.latents = None if vae is None else encode(vae, images)

    def __call__(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """The pictures of some rows, (B, 3, 128, 128) in [0, 1]."""
        whole = self.images[rows].float() / 255
        if self.vae is None or self.latents is None:
            return whole
        half = len(rows) // 2
        decoded = self._decoded(self.vae, self.latents[rows[:half]].float(), generator)
        return blemish(torch.cat([decoded, whole[half:]]), generator)

    @torch.no_grad()
    def _decoded(self, vae: AutoencoderKL, latents: Tensor, generator: torch.Generator) -> Tensor:
        device = latents.device
        size = MOST_NOISE * torch.rand(len(latents), 1, 1, 1, generator=generator, device=device)
        noisy = latents + size * torch.randn(latents.shape, generator=generator, device=device)
        noisy = (noisy / vae.config.scaling_factor).contiguous(memory_format=layout(device))
        with torch.autocast(device.type, torch.bfloat16):
            decoded: Tensor = vae.decode(noisy).sample
        return (decoded.float() / 2 + 0.5).clamp(0, 1).contiguous()


def loss_on(eye: Eye, pictures: Pictures, answers: Answers, seed: int, batch: int) -> Callable[[int], Tensor]:
    """The error of both halves at step n; the second is shown where the figures really are, give or take a little.

    Eye, pictures and answers are on one device.
    """
    device = pictures.images.device

    def at(step: int) -> Tensor:
        generator = torch.Generator(device=device).manual_seed(seed * 1_000_003 + step)
        rows = torch.randint(len(pictures.images), (batch,), generator=generator, device=device)
        shown = pictures(rows, generator)
        jitter = JITTER * torch.randn(batch, MOST_PEOPLE, 3, generator=generator, device=device)
        with torch.autocast(device.type, torch.bfloat16):
            return _finding_loss(eye, shown, answers, rows) + _reading_loss(eye, shown, answers, rows, jitter)

    return at


def _finding_loss(eye: Eye, images: Tensor, answers: Answers, rows: Tensor) -> Tensor:
    found = eye.find(images)
    named = [
        functional.cross_entropy(logits.float(), answers.picture[name][rows]) for name, logits in found.picture.items()
    ]
    there, wanted = answers.there[rows], answers.geometry[rows]
    placed = ((found.geometry[..., :4].float() - wanted[..., :4]).abs().sum(-1) * there).sum() / there.sum()
    sides = functional.binary_cross_entropy_with_logits(
        found.geometry[..., 4].float(), wanted[..., 4], answers.sided[rows]
    )
    return torch.stack(named).sum() + 5 * placed + sides


def _reading_loss(eye: Eye, images: Tensor, answers: Answers, rows: Tensor, jitter: Tensor) -> Tensor:
    """Both people are read in every picture and nobody is asked about who is not there: counting would stop a GPU."""
    places = (answers.geometry[rows][..., :3] + jitter).flatten(0, 1)
    read = eye.read_at(images.repeat_interleave(MOST_PEOPLE, 0), places)
    losses = []
    for name, logits in read.items():
        wanted = answers.people[name][rows].flatten()
        wrong = functional.cross_entropy(logits.float(), wanted, ignore_index=UNSEEN, reduction="sum")
        losses.append(wrong / (wanted != UNSEEN).sum().clamp(min=1))
    return torch.stack(losses).sum()


def accuracy(eye: Eye, images: Tensor, answers: Answers) -> dict[str, float]:
    """The share of right answers, by question, and the mean error of each part of the geometry.

    Shapes:
        images: (N, 3, 128, 128) in [0, 1].
    """
    reads = eye.read(images)
    shares = {}
    for name, values in PICTURE.items():
        given = torch.tensor([values.index(read.picture[name]) for read in reads])
        shares[name] = float((given == answers.picture[name]).float().mean())
    for name, values in TRAITS_READ.items():
        right = [
            values.index(person[name]) == wanted
            for row, read in enumerate(reads)
            for number, person in enumerate(read.people)
            if (wanted := int(answers.people[name][row, number])) != UNSEEN
        ]
        shares[name] = sum(right) / max(1, len(right))
    return shares | _place_errors(reads, answers)


def _place_errors(reads: Sequence[SceneRead], answers: Answers) -> dict[str, float]:
    wanted = answers.geometry.clone()
    wanted[..., 3] *= TILT_UNIT
    errors: dict[str, list[float]] = {name: [] for name in GEOMETRY}
    for row, read in enumerate(reads):
        for number, place in enumerate(read.places):
            if answers.there[row, number]:
                told = GEOMETRY if answers.sided[row, number] else GEOMETRY[:4]
                for column, name in enumerate(told):
                    errors[name].append(abs(place[name] - float(wanted[row, number, column])))
    return {f"error of {name}": sum(values) / max(1, len(values)) for name, values in errors.items()}


def main(
    out: Annotated[Path, typer.Option(help="As for lab.avatars.train; the eye becomes OUT/ROLE.safetensors.")],
    role: Annotated[str, typer.Option(help="judge, which also learns through the codec, or tuner.")] = "judge",
    figures: Annotated[int, typer.Option(help="Different figures to learn from.")] = 6000,
    pictures: Annotated[int, typer.Option("--scenes", help="Pictures to learn from.")] = 24_000,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 4000,
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = BATCH,
    tested: Annotated[int, typer.Option(help="Pictures of held-out figures to be tested on.")] = 1000,
    max_minutes: Annotated[
        float | None, typer.Option(help="Stop, with the learning rate lowered, so many minutes from now.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train an eye, then say how well it reads figures that it has not seen, also through the autoencoder."""
    deadline, place, chosen = deadline_in(max_minutes), prepare(device), cast(Role, role)
    torch.manual_seed(SEEDS[chosen])
    bank, path = bank_of(out, figures), out / f"{chosen}.safetensors"
    eye = put(build(chosen), place)
    vae = load_vae(out, place).requires_grad_(False) if chosen == "judge" else None
    data = f"{pictures} scenes of {bank.size} figures"
    trainer = ReportingTrainer({chosen: eye}, out / chosen, LEARNING_RATE, ema_decay=0.99, data=data)
    if trainer.step < steps or not path.exists():
        answers = Answers(scenes(bank, pictures, SEEDS[chosen]), bank.load()).to(place)
        shown = Pictures(paint(bank, pictures, SEEDS[chosen], place), vae)
        loss = loss_on(eye, shown, answers, SEEDS[chosen], batch)
        trainer.train(loss, steps, chosen, deadline, on_save=lambda: save(eye, path))
        trainer.load_average()
        settle(eye, loss)
        save(eye, path)
    report(out, held_out(out, figures), chosen, tested, place)


@torch.no_grad()
def settle(network: nn.Module, loss: Callable[[int], Tensor]) -> None:
    """Let batch norms know the last weights; a checkpoint does not hold their statistics."""
    network.train()
    for step in range(SETTLING):
        loss(step)
    network.eval()


def report(out: Path, bank: Bank, role: Role, tested: int, device: torch.device) -> None:
    """Print how well an eye reads held-out figures."""
    eye = load(role, out).to(device)
    answers = Answers(scenes(bank, tested, HELD_OUT_SEED + 1), bank.load())
    images = paint(bank, tested, HELD_OUT_SEED + 1, device).float() / 255
    columns = {"renders": accuracy(eye, images, answers)}
    if (out / "vae").exists():
        columns["through the codec"] = accuracy(eye, through(load_vae(out, device), images), answers)
    for name in columns["renders"]:
        told = "".join(f"  {column} {shares[name]:.3f}" for column, shares in columns.items())
        typer.echo(f"{role}: {name:18}{told}")


if __name__ == "__main__":
    typer.run(main)
