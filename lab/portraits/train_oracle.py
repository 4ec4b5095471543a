"""Train the oracles on renders: ``python -m lab.portraits.train_oracle`` (about five minutes each)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import torch
import typer
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from attrbank.backbones.portraits.parameters import ATTRIBUTES, Portraits, draw
from attrbank.backbones.portraits.render import render
from attrbank.evaluation.judges.oracle import FOLDER, WIDTHS, Oracle, Role, load
from lab.portraits.loop import Trainer

BATCH, LEARNING_RATE, RENDERS = 64, 2e-3, 10_000
_STEPS: dict[Role, int] = {"judge": 1500, "tuner": 1000}
_SEEDS: dict[Role, int] = {"judge": 11, "tuner": 12}  # the renderer's learning seeds end at 999


def blemish(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur and grain of random strength, so that the oracle also reads what a decoder makes."""
    amount = torch.rand(len(images), 1, 1, 1, generator=generator)
    blurred = functional.avg_pool2d(functional.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    grain = torch.randn(images.shape, generator=generator) * 0.06
    mixed = torch.lerp(images, blurred, amount) + grain * torch.rand(amount.shape, generator=generator)
    return mixed.clamp(0, 1)


def small(portraits: Portraits) -> Tensor:
    """Renders averaged to the oracle's own resolution, (N, 3, 64, 64) uint8."""
    return (functional.avg_pool2d(render(portraits), 2) * 255).round().byte()


def loss_on(oracle: Oracle, images: Tensor, portraits: Portraits, seed: int) -> Callable[[int], Tensor]:
    """Cross-entropy of the attributes plus squared error of the identity, at step n.

    Shapes:
        images: (N, 3, 64, 64), uint8: averaged already, as the oracle would.
    """

    def at(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        rows = torch.randint(len(images), (BATCH,), generator=generator)
        reading = oracle(blemish(images[rows].float() / 255, generator))
        named = functional.binary_cross_entropy_with_logits(reading.logits, portraits.attributes[rows])
        return named + 5 * functional.mse_loss(reading.identity, portraits.identity[rows])

    return at


def accuracy(oracle: Oracle, images: Tensor, portraits: Portraits) -> dict[str, float]:
    """Share of renders whose attribute is read rightly, by attribute."""
    right = ((oracle.read(images).logits > 0) == (portraits.attributes > 0.5)).float().mean(0)
    return dict(zip(ATTRIBUTES, right.tolist(), strict=True))


def save(oracle: Oracle, role: Role) -> None:
    """Store an oracle in the package, in half precision."""
    half = {key: t.half() if t.is_floating_point() else t for key, t in oracle.state_dict().items()}
    save_file(half, FOLDER / f"{role}.safetensors")


def main(role: Annotated[str, typer.Argument()] = "judge", renders: int = RENDERS) -> None:
    """Train one oracle and store it in the package."""
    chosen = cast(Role, role)
    seed = _SEEDS[chosen]
    torch.manual_seed(seed)
    portraits = draw(renders, seed)
    images = torch.cat([small(portraits[i : i + 256]) for i in range(0, renders, 256)])
    oracle = Oracle(WIDTHS[chosen])
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer({"oracle": oracle}, Path(folder), LEARNING_RATE, ema_decay=0.99)
        # Not averaged: the batch norms' statistics belong to the last weights.
        trainer.run(loss_on(oracle, images, portraits, seed), _STEPS[chosen], None, f"{role} oracle")
    save(oracle.eval(), chosen)
    held_out = draw(1024, 10_000)
    typer.echo(accuracy(load(chosen), render(held_out), held_out))


if __name__ == "__main__":
    typer.run(main)
