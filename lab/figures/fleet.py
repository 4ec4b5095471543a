"""What sharing a source saves: ``python -m lab.figures.fleet``.

24 attributes of ``portraits`` are learned from one file, and then one by one in a bank of their own. Told are the rows
that the network predicted, the seconds, and whether both banks hold the same bytes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.progress import track
from torch import Tensor

from attrbank.diffusion.protocols import Backbone, Conditioning, Prediction
from attrbank.executors.here import Here
from attrbank.learning.fleet.read import Fleet, read_fleet
from attrbank.learning.fleet.run import Run
from attrbank.learning.fleet.work import Common, Worker
from attrbank.learning.run import learn
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank

WHO = ("person", "man", "woman")
"""Beside "a person", what goes with each of ``WHAT``."""
WHAT = ("young", "old", "smiling", "serious", "with glasses", "with a hat", "with a beard", "without a beard")
SOURCE = "a photo of a person"


class Cost(NamedTuple):
    """What learning took."""

    rows: int
    seconds: float


def sheet(seeds: str, core: str | None) -> str:
    """The file: every one of ``WHAT`` of every one of ``WHO``, from one source."""
    lines = ["[defaults]", f'source = "{SOURCE}"', f'seeds = "{seeds}"', "force = true"]
    lines += [f'core = "{core}"'] if core else []
    for who in WHO:
        for what in WHAT:
            lines += [f"[attributes.{who}-{what.replace(' ', '-')}]", f'target = "a photo of a {who}, {what}"']
    return "\n".join(lines)


class Counting:
    """A backbone that counts the rows that it predicts.

    Args:
        backbone: which.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone, self.rows = backbone, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backbone, name)

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """As the backbone does."""
        self.rows += len(latent)
        return self._backbone.predict(latent, timestep, conditioning)


def measured(model: Counting, work: Callable[[], object]) -> Cost:
    """What some work takes."""
    rows, began = model.rows, time.perf_counter()
    work()
    return Cost(model.rows - rows, time.perf_counter() - began)


def one_by_one(fleet: Fleet, model: Counting, bank: Path) -> None:
    """Learn each as ``attrbank learn`` does, with the model loaded once all the same."""
    for order in track(fleet.orders, "one by one", console=Console(stderr=True)):
        learn(order.spec, backbone=model, bank=bank, force=True)


def main(
    seeds: Annotated[str, typer.Option(metavar="LIST", help="Learning seeds of each.")] = "0-15",
    core: Annotated[str | None, typer.Option(help="That of all; none lets learn choose.")] = "mean",
) -> None:
    """Learn 24 attributes twice, and say what either way took."""
    with tempfile.TemporaryDirectory() as work:
        file, together, alone = (Path(work) / name for name in ("a.toml", "together", "alone"))
        file.write_text(sheet(seeds, core), encoding="utf-8")
        fleet, model = read_fleet(file, together), Counting(load_plugins().backbone("portraits"))
        worker = Worker(Common(), load=lambda reference, placement: model)
        run = Run(bank=together, executor=Here(worker))
        shared = measured(model, lambda: run(fleet))
        single = measured(model, lambda: one_by_one(fleet, model, alone))
        ids = [{entry.id for entry in Bank(bank).entries()} for bank in (together, alone)]
    typer.echo(f"{len(fleet.orders)} attributes, seeds {seeds}, core {core or 'as learn chooses'}")
    typer.echo(f"rows predicted: {shared.rows:,} together, {single.rows:,} one by one: {shared.rows / single.rows:.2f}")
    typer.echo(f"seconds: {shared.seconds:.0f} and {single.seconds:.0f}: {shared.seconds / single.seconds:.2f}")
    typer.echo(f"the same bytes: {ids[0] == ids[1]}")


if __name__ == "__main__":
    typer.run(main)
