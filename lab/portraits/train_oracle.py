"""Train the oracles and the damage detector: ``python -m lab.portraits.train_oracle ROLE --out DIR``.

ROLE is judge, tuner or damage. The same command goes on from a run that was stopped. ``--codec`` names the
autoencoder whose blemishes the judge and the detector must know: without it they see renders only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from attrbank.backbones.portraits.parameters import GRADES, Portraits, draw
from attrbank.backbones.portraits.render import render
from attrbank.backbones.portraits.visible import READ_KINDS, READ_NUMBERS, kind_seen, numbers, numbers_seen
from attrbank.evaluation.judges.oracle import Damage, Oracle, Reading, build, restore, store
from lab.portraits.codec import HELD_OUT, round_trip, through
from lab.portraits.damage import SEED, DamageLesson
from lab.portraits.loop import Trainer, on, place
from lab.portraits.renders import Renders, stored
from lab.portraits.spoil import BLEMISHES, DAMAGES, damaged, half_drawn, soften
from lab.spoiling import Chance, seeded

BATCH, LEARNING_RATE = 64, 1e-3
SEEDS = {"judge": 1 << 33, "tuner": 1 << 34, "damage": SEED}
STEPS = {"judge": 12_000, "tuner": 8000, "damage": 6000}
NUMBERS_WEIGHT, HALF_SHARE, NOISED = 10.0, 0.1, 0.4
CODED = 0.125
"""The share of the judge's pictures that go through the codec, which costs a CPU ten times what the judge does."""
ALARMS = 0.02
"""The share of held-out renders through the codec that the detector may call damaged."""


class Truth:
    """What is true of portraits as numbers, and what of it can be seen, on a device.

    Shapes:
        numbers: (N, 27), and whether each can be seen: ``seen``.
        kinds: (N, len(``READ_KINDS``)), ``UNSEEN`` where it cannot be seen.
    """

    UNSEEN = -100  # what cross_entropy leaves out

    def __init__(self, portraits: Portraits, device: torch.device) -> None:
        self.numbers, self.seen = numbers(portraits).to(device), numbers_seen(portraits).to(device)
        columns = [
            portraits.column(name).long().masked_fill(~kind_seen(portraits, name), self.UNSEEN) for name in READ_KINDS
        ]
        self.kinds = torch.stack(columns, dim=1).to(device)

    def loss(self, reading: Reading, rows: Tensor, kinds: Tensor) -> Tensor:
        """Squared error of the numbers plus cross-entropy of the kinds, of what can be seen.

        Args:
            reading: of a batch.
            rows: which portraits it shows, (B,).
            kinds: the truth of these about kinds, (B, len(``READ_KINDS``)).
        """
        seen = self.seen[rows]
        total = NUMBERS_WEIGHT * ((reading.numbers.float() - self.numbers[rows]).square() * seen).sum() / seen.sum()
        for column, name in enumerate(READ_KINDS):
            summed = functional.cross_entropy(
                reading.kinds[name].float(), kinds[:, column], ignore_index=self.UNSEEN, reduction="sum"
            )
            total = total + summed / len(READ_KINDS) / (kinds[:, column] != self.UNSEEN).sum().clamp(min=1)
        return total


class Lesson:
    """The loss of a role at step n; a pure function of the step and the network.

    Args:
        role: judge or tuner.
        network: what learns.
        found: what it learns from, on its device.
        vae: the autoencoder whose blemishes it is to know.
        batch: pictures of a step.
        coded: the share of the judge's that go through the codec.
    """

    def __init__(
        self,
        role: str,
        network: nn.Module,
        found: Renders,
        vae: AutoencoderKL | None,
        batch: int = BATCH,
        coded: float = CODED,
    ) -> None:
        self.network, self.found, self.vae, self.batch, self.seed = network, found, vae, batch, SEEDS[role]
        self.coded = coded
        self.truth = Truth(Portraits(found.values.cpu()), found.values.device)
        self.loss = {"judge": self._judge, "tuner": self._tuner}[role]

    def __call__(self, step: int) -> Tensor:
        """The loss on a random batch."""
        device = self.found.values.device
        chance = seeded(self.batch, self.seed + 16 * step, device)
        rows = torch.randint(len(self.found), (self.batch,), generator=chance.generator, device=device)
        with torch.autocast(device.type, torch.bfloat16):
            return self.loss(rows, self.found.images[rows].float() / 255, chance)

    def _others(self, rows: Tensor) -> Tensor:
        return self.found.others[rows].float() / 255

    def _judge(self, rows: Tensor, images: Tensor, chance: Chance) -> Tensor:
        """Renders blemished in turn, some through noised latents; half a pair of glasses counts as none."""
        kinds = self.truth.kinds[rows]
        half = (chance.number().flatten() < HALF_SHARE) & (kinds[:, READ_KINDS.index("glasses")] > 0)
        images = torch.where(half.view(-1, 1, 1, 1), half_drawn(images, self._others(rows)), images)
        kinds[:, READ_KINDS.index("glasses")] *= ~half
        for number, blemish in enumerate(BLEMISHES):
            some = slice(number, None, len(BLEMISHES) + 1)
            images[some] = blemish(images[some], chance.part(len(images[some])))
        if self.vae is not None:
            first = slice(0, round(self.coded * len(images)))
            noise = NOISED * chance.number()[first]
            images[first] = through(self.vae, images[first], noise, chance.generator)
        return self.truth.loss(self.network(images), rows, kinds)

    def _tuner(self, rows: Tensor, images: Tensor, chance: Chance) -> Tensor:
        """Renders that are a little soft or sharp, and nothing else: its blind spots are not the judge's."""
        return self.truth.loss(self.network(soften(images, chance)), rows, self.truth.kinds[rows])


def settle(network: nn.Module, lesson: Callable[[int], Tensor], step: int) -> None:
    """Take the statistics of batch norms anew for averaged weights."""
    network.train()
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
    with torch.no_grad():
        for number in range(32):
            lesson(step + number)
    network.eval()


def r_squared(oracle: Oracle, portraits: Portraits, images: Tensor) -> dict[str, float]:
    """For each number the explained share of its variance, over the portraits on which it can be seen."""
    read, wanted, seen = oracle.read(images).numbers, numbers(portraits), numbers_seen(portraits)
    found = {}
    for column, name in enumerate(READ_NUMBERS):
        truth, guess = wanted[seen[:, column], column], read[seen[:, column], column]
        found[name] = float(1 - (guess - truth).square().sum() / (truth - truth.mean()).square().sum())
    return found


def accuracy(oracle: Oracle, portraits: Portraits, images: Tensor) -> dict[str, float]:
    """For each kind the share of portraits on which it is read rightly, where it can be seen."""
    reading = oracle.read(images)
    return {
        name: float((reading.kind(name) == portraits.column(name))[kind_seen(portraits, name)].float().mean())
        for name in READ_KINDS
    }


@torch.no_grad()
def set_threshold(detector: Damage, vae: AutoencoderKL | None, count: int) -> None:
    """Let it call ``ALARMS`` of ``count`` held-out renders, through the codec if there is one, damaged."""
    whole = render(draw(count, HELD_OUT))
    whole = whole if vae is None else round_trip(vae, whole)
    detector.threshold.fill_(float(detector.read(whole).quantile(1 - ALARMS)))


def report(role: str, network: nn.Module, vae: AutoencoderKL | None, count: int) -> None:
    """Say how well it reads, or sees damage in, held-out renders, plain and through the codec."""
    portraits = draw(count, HELD_OUT)
    ways: list[tuple[str, Callable[[Tensor], Tensor]]] = [("renders", lambda images: images)]
    if vae is not None:
        ways.append(("through the codec", functools.partial(round_trip, vae)))
    for title, way in ways:
        images = way(render(portraits))
        if isinstance(network, Oracle):
            found, right = r_squared(network, portraits, images), accuracy(network, portraits, images)
            least = min(found, key=lambda name: found[name])
            grades = " ".join(f"{name} {found[name]:.3f}" for name in GRADES)
            typer.echo(f"{role}, {title}: r² {grades}; least {found[least]:.3f} ({least})")
            typer.echo(f"{role}, {title}: rightly read {' '.join(f'{name} {right[name]:.3f}' for name in right)}")
        elif isinstance(network, Damage):
            spoilt = damaged(render(portraits), portraits, seeded(count, HELD_OUT))
            seen = network.sees(way(spoilt))
            kinds = [float(seen[n :: len(DAMAGES)].float().mean()) for n in range(len(DAMAGES))]
            each = " ".join(f"{kind} {share:.2f}" for kind, share in zip(DAMAGES, kinds, strict=True))
            typer.echo(f"damage, {title}: {seen.float().mean():.3f} seen at threshold {network.threshold:.3f}: {each}")


def main(
    role: Annotated[str, typer.Argument(help="judge, tuner or damage")],
    out: Annotated[Path, typer.Option(help="Where checkpoints and weights go.")],
    codec: Annotated[Path | None, typer.Option(help="A vae/ folder.")] = None,
    renders: Annotated[
        Path | None, typer.Option(help="A file of renders; OUT/renders.safetensors if not given.")
    ] = None,
    count: Annotated[int, typer.Option(help="Renders to learn from.")] = 12_000,
    first: Annotated[int, typer.Option(help="Where they begin, in parts of 250: an oracle goes on with new ones.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    batch: Annotated[int, typer.Option(help="Pictures in a step.")] = BATCH,
    coded: Annotated[float, typer.Option(help="Share of the judge's pictures that go through the codec.")] = CODED,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = LEARNING_RATE,
    held_out: Annotated[int, typer.Option(help="Renders to measure on.")] = 1024,
    start: Annotated[Path | None, typer.Option(help="Weights to begin with.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads of torch; all cores if not given.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes.")] = None,
    final: Annotated[bool, typer.Option(help="The end of the time is the end of the training.")] = False,
) -> None:
    """Train one network, store its weights in OUT/ROLE.safetensors and say how well it sees."""
    if role not in STEPS:
        raise typer.BadParameter("choose judge, tuner or damage")
    where, wanted = place(device, threads), STEPS[role] if steps is None else steps
    torch.manual_seed(SEEDS[role] % 1000)
    network: nn.Module = Damage() if role == "damage" else build("judge" if role == "judge" else "tuner")
    if start:
        restore(network, start).train().requires_grad_(True)
    network = on(where, network)
    given = torch.device("cpu") if role == "damage" else where
    vae = on(given, AutoencoderKL.from_pretrained(codec)).eval() if codec else None
    found = _share(stored(renders or out / "renders.safetensors", count, first=first), role).to(given)
    if isinstance(network, Damage):
        lesson: Callable[[int], Tensor] = DamageLesson(network, found, vae, batch, where)
    else:
        lesson = Lesson(role, network, found, vae, batch, coded)
    source = f"{len(found)} renders{' through a codec' if codec else ''}"
    trainer = Trainer({role: network}, out / role, rate, 0.995, source, typer.echo)
    if not trainer.run(lesson, wanted, max_minutes, role, final):
        typer.echo(f"stopped: {role} at step {trainer.step} of {wanted}; the next call goes on from there")
        return
    trainer.load_average()
    settle(network, lesson, wanted)
    vae = vae.cpu() if vae else None
    network = network.cpu()
    if isinstance(network, Damage):
        set_threshold(network, vae, held_out)
    store(network, out / f"{role}.safetensors")
    report(role, restore(network, out / f"{role}.safetensors"), vae, held_out)


def _share(found: Renders, role: str) -> Renders:
    """The judge learns from the first half and the tuner from the second: they have no picture in common."""
    half = len(found) // 2
    return found.some({"judge": slice(0, half), "tuner": slice(half, None), "damage": slice(None)}[role])


if __name__ == "__main__":
    typer.run(main)
