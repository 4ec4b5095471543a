"""What commands cost on a model: ``python -m lab.figures.footprint REFERENCE...`` prints a table.

Each command runs in a process of its own, whose peak of resident memory is the operating system's figure. Evaluations
are counted at the network itself, one a row of its output, not by the code that asks for them.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from attrbank.diffusion.placement import Dtype, Placement
from attrbank.editing.request import ApplyRequest
from attrbank.learning.request import learn_spec
from attrbank.names import Asked

NETWORKS = frozenset({"UNet2DConditionModel", "SD3Transformer2DModel", "FluxTransformer2DModel"})
"""The networks that denoise, by their class in diffusers."""

NAME, SOURCE, TARGET = "smile", "a photo of a person", "a photo of a smiling person"


class Task(NamedTuple):
    """What to measure on: a model, where it runs, and how long a run is."""

    backbone: str
    bank: Path
    placement: Placement
    steps: int
    seeds: int


@dataclass
class Rows:
    """How many rows the networks have given."""

    count: int = 0


class Cost(NamedTuple):
    """What a command took.

    Attributes:
        megabytes: peak of resident memory, 10⁶ bytes.
        evaluations: rows that the network predicted.
        seconds: processor time, imports and loading included; a busy machine does not stretch it.
    """

    megabytes: float
    evaluations: int
    seconds: float


def learn(task: Task) -> None:
    """Learn an attribute from one pair of prompts."""
    from attrbank.learning.run import learn as learn_attribute

    spec = learn_spec(NAME, [SOURCE], [TARGET], seeds=tuple(range(task.seeds)), steps=task.steps)
    learn_attribute(spec, backbone=task.backbone, placement=task.placement, bank=task.bank)


def apply(task: Task) -> None:
    """Draw a picture without and with it, by the banked mean."""
    from attrbank.editing.run import apply as apply_attributes

    apply_attributes(_request(task))


def plan(task: Task) -> None:
    """Say what that would do."""
    from attrbank.editing.plan import plan as plan_attributes

    plan_attributes(_request(task))


COMMANDS: Mapping[str, Callable[[Task], None]] = {"learn": learn, "apply": apply, "apply --plan": plan}
"""In an order in which each finds what it needs."""


def measure(command: str, task: Task) -> Cost:
    """Run one of ``COMMANDS`` in a new process.

    Raises:
        RuntimeError: it failed; its own words are on stderr.
    """
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, command, task))
    process.start()
    sender.close()
    try:
        cost: Cost = receiver.recv()
    except EOFError as error:
        raise RuntimeError(f"{command} failed on {task.backbone}") from error
    finally:
        process.join()
    return cost


def _report(sender: Connection, command: str, task: Task) -> None:
    rows = Rows()
    # A plan loads no torch, and its figure is to show that.
    with nullcontext() if command == "apply --plan" else counted(rows):
        COMMANDS[command](task)
    sender.send(Cost(_peak_bytes() / 1e6, rows.count, time.process_time()))


def _peak_bytes() -> int:
    """Of this process's resident memory. Linux's ``ru_maxrss`` would also tell what the parent had when it forked."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def counted(rows: Rows) -> Iterator[None]:
    """Add up the rows that the networks of this process give."""
    from torch.nn.modules.module import register_module_forward_hook

    def count(module: Any, arguments: Any, output: Any) -> None:
        if type(module).__name__ in NETWORKS:
            rows.count += len(output[0])

    handle = register_module_forward_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _request(task: Task) -> ApplyRequest:
    return ApplyRequest(
        references=(Asked(NAME),),
        core="mean",
        backbone=task.backbone,
        placement=task.placement,
        steps=task.steps,
        bank=task.bank,
        output=task.bank.parent / "out.png",
    )


def main(
    backbones: Annotated[list[str], typer.Argument(metavar="REFERENCE...")],
    *,
    steps: int = 25,
    seeds: Annotated[int, typer.Option(help="How many to learn from.")] = 8,
    device: str | None = None,
    dtype: Dtype | None = None,
    offload: bool = False,
) -> None:
    """Print what each command costs on each model, as a table in Markdown."""
    placement = Placement(device=device, dtype=dtype, offload=offload)
    typer.echo("| model | command | peak memory, MB | network evaluations | processor seconds |\n|---|---|---|---|---|")
    for backbone in backbones:
        with tempfile.TemporaryDirectory() as folder:
            task = Task(backbone, Path(folder) / "bank", placement, steps, seeds)
            for command in COMMANDS:
                cost = measure(command, task)
                typer.echo(
                    f"| {backbone} | {command} | {cost.megabytes:,.0f} | {cost.evaluations} | {cost.seconds:.0f} |"
                )


if __name__ == "__main__":
    typer.run(main)
