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
INDEPENDENT_SEED = 2
JITTER, SETTLING = 0.03, 100
AFRESH, DECODED_AT_ONCE = 50_000, 25
"""What is added to the seed of who goes on from trained weights, who then sees other scenes; pictures."""
MOST_NOISE = 0.4
"""Of latents that the judge reads through the decoder, in their own standard deviations."""


class Answers:
    """The truth about scenes as numbers.

    Shapes:
        picture: (N,) for each of ``PICTURE``.
        people: (N, 2) for each of ``TRAITS_READ``, ``UNSEEN`` where there is nothing to be read.
        geometry: (N, 2, 4), columns as in ``truth.GEOMETRY``.
        there: (N, 2), 1 where there is a figure.
    """

    def __init__(self, scenes: Sequence[Scene], cutouts: Cutouts) -> None:
        pictures = [about_picture(scene, cutouts.figures) for scene in scenes]
        self.picture = {
            name: torch.tensor([values.index(picture[name]) for picture in pictures])
            for name, values in PICTURE.items()
        }
        geometry = np.zeros((len(scenes), MOST_PEOPLE, len(GEOMETRY)), np.float32)
        there = np.zeros((len(scenes), MOST_PEOPLE), np.float32)
        people = {name: np.full((len(scenes), MOST_PEOPLE), UNSEEN) for name in TRAITS_READ}
        for row, scene in enumerate(scenes):
            told = about_people(scene, cutouts.figures)
            for number, (place, person) in enumerate(zip(scene.places, told, strict=True)):
                there[row, number] = 1
                geometry[row, number] = (place.x, place.y, place.scale, place.tilt / TILT_UNIT)
                for name, known in TRAITS_READ.items():
                    if name in person:
                        people[name][row, number] = known.index(person[name])
        self.geometry, self.there = torch.from_numpy(geometry), torch.from_numpy(there)
        self.people = {name: torch.from_numpy(told) for name, told in people.items()}

    def to(self, device: torch.device) -> Answers:
        """All numbers on a device."""
        self.picture = {name: answers.to(device) for name, answers in self.picture.items()}
        self.people = {name: answers.to(device) for name, answers in self.people.items()}
        self.geometry, self.there = self.geometry.to(device), self.there.to(device)
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
        once: decode so many of the pictures now and show an eighth from among these, since a CPU has no time to do it
            at each step; 0 is half of them, anew at each step.
    """

    def __init__(self, images: Tensor, vae: AutoencoderKL | None, once: int = 0) -> None:
        self.images, self.vae, self.decodable = images, vae, once or len(images)
        self.part = 8 if once else 2
        self.latents = None if vae is None else encode(vae, images[: self.decodable])
        self.decoded = self._decode_all(torch.Generator(images.device).manual_seed(0)) if once and vae else None

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Random rows to show, (batch,)."""
        rows = torch.randint(len(self.images), (batch,), generator=generator, device=self.images.device)
        rows[: batch // self.part] %= self.decodable
        return rows

    def __call__(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """The pictures of some rows, (B, 3, 128, 128) in [0, 1]."""
        whole, count = self.images[rows].float() / 255, len(rows) // self.part
        if self.vae is None:
            return whole
        some = rows[:count]
        decoded = self._decode(some, generator) if self.decoded is None else self.decoded[some].float() / 255
        return blemish(torch.cat([decoded, whole[count:]]), generator)

    def _decode_all(self, generator: torch.Generator) -> Tensor:
        rows = torch.arange(self.decodable, device=self.images.device)
        parts = [self._decode(some, generator) for some in torch.split(rows, DECODED_AT_ONCE)]
        return torch.cat([(255 * part).round().byte() for part in parts])

    @torch.no_grad()
    def _decode(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        assert self.vae is not None and self.latents is not None  # noqa: S101, PT018
        latents, device = self.latents[rows].float(), rows.device
        size = MOST_NOISE * torch.rand(len(latents), 1, 1, 1, generator=generator, device=device)
        noisy = latents + size * torch.randn(latents.shape, generator=generator, device=device)
        noisy = (noisy / self.vae.config.scaling_factor).contiguous(memory_format=layout(device))
        with fast(device):
            decoded: Tensor = self.vae.decode(noisy).sample
        return (decoded.float() / 2 + 0.5).clamp(0, 1).contiguous()


def fast(device: torch.device) -> torch.autocast:
    """Half precision where it is faster."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def loss_on(
    eye: Eye, pictures: Pictures, answers: Answers, seed: int, batch: int, reader_only: bool = False
) -> Callable[[int], Tensor]:
    """The error of both halves at step n; the second is shown where the figures really are, give or take a little.

    Eye, pictures and answers are on one device.
    """
    device = pictures.images.device

    def at(step: int) -> Tensor:
        generator = torch.Generator(device=device).manual_seed(seed * 1_000_003 + step)
        rows = pictures.draw(batch, generator)
        shown = pictures(rows, generator)
        jitter = JITTER * torch.randn(batch, MOST_PEOPLE, 3, generator=generator, device=device)
        with fast(device):
            read = _reading_loss(eye, shown, answers, rows, jitter)
            return read if reader_only else read + _finding_loss(eye, shown, answers, rows)

    return at


def _finding_loss(eye: Eye, images: Tensor, answers: Answers, rows: Tensor) -> Tensor:
    found = eye.find(images)
    named = [
        functional.cross_entropy(logits.float(), answers.picture[name][rows]) for name, logits in found.picture.items()
    ]
    there, wanted = answers.there[rows], answers.geometry[rows]
    placed = ((found.geometry.float() - wanted).abs().sum(-1) * there).sum() / there.sum()
    return torch.stack(named).sum() + 5 * placed


def _reading_loss(eye: Eye, images: Tensor, answers: Answers, rows: Tensor, jitter: Tensor) -> Tensor:
    """Nobody is asked about a person who is not there."""
    people = _to_be_read(answers.there[rows].flatten())
    places = (answers.geometry[rows][..., :3] + jitter).flatten(0, 1)[people]
    read = eye.read_at(images[people // MOST_PEOPLE], places)
    losses = []
    for name, logits in read.items():
        wanted = answers.people[name][rows].flatten()[people]
        wrong = functional.cross_entropy(logits.float(), wanted, ignore_index=UNSEEN, reduction="sum")
        losses.append(wrong / (wanted != UNSEEN).sum().clamp(min=1))
    return torch.stack(losses).sum()


def _to_be_read(there: Tensor) -> Tensor:
    """The numbers of those who are there; of everybody on a GPU, which counting would stop."""
    return torch.arange(len(there), device=there.device) if there.is_cuda else there.nonzero().flatten()


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
                for column, name in enumerate(GEOMETRY):
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
    start: Annotated[Path | None, typer.Option(help="Go on from START/ROLE.safetensors, with other scenes.")] = None,
    reader_only: Annotated[bool, typer.Option("--reader-only", help="Only the half that reads learns.")] = False,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = LEARNING_RATE,
    independent: Annotated[bool, typer.Option("--independent", help="Figures whose traits are independent.")] = False,
    decode_once: Annotated[
        int, typer.Option(help="Decode so many pictures beforehand, for a CPU; 0: at each step.")
    ] = 0,
) -> None:
    """Train an eye, then say how well it reads figures that it has not seen, also through the autoencoder."""
    deadline, place, chosen = deadline_in(max_minutes), prepare(device), cast(Role, role)
    seed = SEEDS[chosen] + (AFRESH if start else 0)
    torch.manual_seed(seed)
    bank, path = bank_of(out, figures), out / f"{chosen}.safetensors"
    if independent:
        bank = Bank(bank.folder, figures, INDEPENDENT_SEED, independent=True)
    eye = put(load(chosen, start).requires_grad_(True) if start else build(chosen), place)
    learning = eye.reader if reader_only else eye
    vae = load_vae(out, place).requires_grad_(False) if chosen == "judge" else None
    data = f"{pictures} scenes of {bank.size} {'independent ' if independent else ''}figures"
    trainer = ReportingTrainer({chosen: learning}, out / chosen, rate, ema_decay=0.99, data=data)
    if trainer.step < steps or not path.exists():
        answers = Answers(scenes(bank, pictures, seed), bank.load()).to(place)
        shown = Pictures(paint(bank, pictures, seed, place), vae, decode_once)
        loss = loss_on(eye, shown, answers, seed, batch, reader_only)
        learning.train()
        trainer.train(loss, steps, chosen, deadline, on_save=lambda: save(eye, path))
        trainer.load_average()
        settle(learning, loss)
        save(eye, path)
    report(out, held_out(out, figures), chosen, tested, place)


@torch.no_grad()
def settle(network: nn.Module, loss: Callable[[int], Tensor]) -> None:
    """Let batch norms know the last weights; a checkpoint does not hold their statistics."""
    network.train()
    for step in range(SETTLING if any(isinstance(part, nn.BatchNorm2d) for part in network.modules()) else 0):
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
