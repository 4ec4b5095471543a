"""Train the judge on renders: ``python -m lab.avatars.train_judge --out DIR``; it goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from lab.avatars.cutouts import Cutouts, draw_bank
from lab.avatars.judge import GEOMETRY, TILT_UNIT, TRAITS_READ, Judge, SceneRead, load, save
from lab.avatars.loop import ReportingTrainer
from lab.avatars.scenes import Scene, draw_scenes, paint_all
from lab.avatars.train import FIGURES_SEED, HELD_OUT, HELD_OUT_SEED
from lab.avatars.truth import MOST_PEOPLE, PICTURE, about_people, about_picture

BATCH, LEARNING_RATE, SEED = 48, 1.5e-3, 500_000
UNSEEN = -100  # what cross_entropy leaves out
JITTER, SETTLING = 0.03, 100


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
        self.geometry = torch.zeros(len(scenes), MOST_PEOPLE, len(GEOMETRY))
        self.there, self.sided = torch.zeros(len(scenes), MOST_PEOPLE), torch.zeros(len(scenes), MOST_PEOPLE)
        self.people = {name: torch.full((len(scenes), MOST_PEOPLE), UNSEEN) for name in TRAITS_READ}
        for row, scene in enumerate(scenes):
            self._enter(row, scene, about_people(scene, cutouts.figures))

    def to(self, device: torch.device) -> Answers:
        """All numbers on a device."""
        self.picture = {name: answers.to(device) for name, answers in self.picture.items()}
        self.people = {name: answers.to(device) for name, answers in self.people.items()}
        self.geometry, self.there, self.sided = (part.to(device) for part in (self.geometry, self.there, self.sided))
        return self

    def _enter(self, row: int, scene: Scene, people: Sequence[dict[str, str]]) -> None:
        for number, (place, person) in enumerate(zip(scene.places, people, strict=True)):
            self.there[row, number], self.sided[row, number] = 1, float("looks" in person)
            values = (place.x, place.y, place.scale, place.tilt / TILT_UNIT, float(place.flipped))
            self.geometry[row, number] = torch.tensor(values)
            for name, known in TRAITS_READ.items():
                if name in person:
                    self.people[name][row, number] = known.index(person[name])


def blemish(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur and grain of random strength, so that the judge also reads what a decoder makes."""
    amount = torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device)
    blurred = functional.avg_pool2d(functional.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    grain = 0.05 * torch.randn(images.shape, generator=generator).to(images.device)
    grain *= torch.rand(amount.shape, generator=generator).to(images.device)
    mixed = torch.lerp(images, blurred, amount * 0.8) + grain
    return mixed.clamp(0, 1)


def loss_on(judge: Judge, images: Tensor, answers: Answers) -> Callable[[int], Tensor]:
    """The error of both halves at step n; the second is shown where the figures really are, give or take a little.

    Shapes:
        images: (N, 3, 128, 128), uint8, on the device of the judge and the answers.
    """
    device = images.device

    def at(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(SEED + step)
        rows = torch.randint(len(images), (BATCH,), generator=generator).to(device)
        batch = blemish(images[rows].float() / 255, generator)
        jitter = torch.randn(BATCH, MOST_PEOPLE, 3, generator=generator).to(device) * JITTER
        with torch.autocast(device.type, torch.bfloat16):
            return _finding_loss(judge, batch, answers, rows) + _reading_loss(judge, batch, answers, rows, jitter)

    return at


def _finding_loss(judge: Judge, images: Tensor, answers: Answers, rows: Tensor) -> Tensor:
    found = judge.find(images)
    named = [
        functional.cross_entropy(logits.float(), answers.picture[name][rows]) for name, logits in found.picture.items()
    ]
    there, wanted = answers.there[rows], answers.geometry[rows]
    placed = ((found.geometry[..., :4].float() - wanted[..., :4]).abs().sum(-1) * there).sum() / there.sum()
    sides = functional.binary_cross_entropy_with_logits(
        found.geometry[..., 4].float(), wanted[..., 4], answers.sided[rows]
    )
    return torch.stack(named).sum() + 5 * placed + sides


def _reading_loss(judge: Judge, images: Tensor, answers: Answers, rows: Tensor, jitter: Tensor) -> Tensor:
    picture, person = answers.there[rows].nonzero(as_tuple=True)
    places = (answers.geometry[rows][..., :3] + jitter)[picture, person]
    read = judge.read_at(images[picture], places)
    return torch.stack(
        [
            functional.cross_entropy(logits.float(), answers.people[name][rows][picture, person], ignore_index=UNSEEN)
            for name, logits in read.items()
            if (answers.people[name][rows][picture, person] != UNSEEN).any()
        ]
    ).sum()


def accuracy(judge: Judge, images: Tensor, answers: Answers) -> dict[str, float]:
    """The share of right answers, by question, and the mean error of each part of the geometry.

    Shapes:
        images: (N, 3, 128, 128) in [0, 1].
    """
    reads = judge.read(images)
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


@torch.no_grad()
def through_codec(vae: AutoencoderKL, images: Tensor) -> Tensor:
    """Pictures in [0, 1] as the autoencoder gives them back."""
    parts = [vae.decode(vae.encode(2 * part - 1).latent_dist.mean).sample for part in torch.split(images, 32)]
    return (torch.cat(parts) / 2 + 0.5).clamp(0, 1)


def main(
    out: Annotated[Path, typer.Option(help="As for lab.avatars.train; the judge becomes OUT/judge.safetensors.")],
    figures: Annotated[int, typer.Option(help="Different figures to learn from.")] = 6000,
    scenes: Annotated[int, typer.Option(help="Pictures to learn from.")] = 12_000,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 4000,
    tested: Annotated[int, typer.Option(help="Pictures of held-out figures to be tested on.")] = 1000,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train the judge, then say how well it reads figures that it has not seen, also through the autoencoder."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    cutouts, place = draw_bank(out / "cutouts", figures, FIGURES_SEED), torch.device(device)
    judge = Judge().to(place)
    data = f"{scenes} scenes of {len(cutouts)} figures"
    trainer = ReportingTrainer({"judge": judge}, out / "judge", LEARNING_RATE, ema_decay=0.99, data=data)
    if trainer.step < steps or not (out / "judge.safetensors").exists():
        drawn = draw_scenes(cutouts, scenes, SEED)
        loss = loss_on(judge, paint_all(drawn, cutouts).to(place), Answers(drawn, cutouts).to(place))
        trainer.run(loss, steps, None, "judge")
        save(_settled(judge, loss), out / "judge.safetensors")
    report(out, min(HELD_OUT, figures), tested)


@torch.no_grad()
def _settled(judge: Judge, loss: Callable[[int], Tensor]) -> Judge:
    """The judge with batch norms that know its last weights; a checkpoint does not hold their statistics."""
    judge.train()
    for step in range(SETTLING):
        loss(step)
    return judge.cpu().eval()


def report(out: Path, figures: int, tested: int) -> None:
    """Print how well the judge reads held-out figures."""
    judge, cutouts = load(out / "judge.safetensors"), draw_bank(out / "cutouts", figures, HELD_OUT_SEED)
    drawn = draw_scenes(cutouts, tested, HELD_OUT_SEED + 1)
    images, answers = paint_all(drawn, cutouts).float() / 255, Answers(drawn, cutouts)
    columns = {"renders": accuracy(judge, images, answers)}
    if (out / "vae").exists():
        decoded = through_codec(AutoencoderKL.from_pretrained(out / "vae"), images)
        columns["through the codec"] = accuracy(judge, decoded, answers)
    for name in columns["renders"]:
        typer.echo(f"{name:18}" + "".join(f"  {column} {shares[name]:.3f}" for column, shares in columns.items()))


if __name__ == "__main__":
    typer.run(main)
