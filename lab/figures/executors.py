"""What executors promise, tried on a real Ray cluster of two workers: ``python -m lab.figures.executors``.

A file of attributes on a tiny random model is learned in this process, and then by two workers: as it is, with a worker
killed in the middle, and with the client interrupted, then killed, and started again. Told are what each bank holds
beside the first, byte for byte, and how often anything was learned. Then tasks of no work: milliseconds of each, and
the client's memory along the way. ``python -m lab.figures.executors client tasks`` does some of it.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from attrbank.executors.carrying import Carrier
from attrbank.executors.here import Here
from attrbank.executors.on_ray import QUIET, Ray
from attrbank.executors.protocol import Executor, Job, Task
from attrbank.executors.trial import TARGET
from attrbank.learning.fleet.read import read_fleet
from attrbank.learning.fleet.run import Run
from attrbank.plugin.tiny import build_pipeline
from attrbank.store.bank import Bank

WHO = ("person", "man", "woman", "young person", "old man", "old woman")
"""A source each, and so a task."""

WHAT = ("smiling", "with glasses", "with a hat", "without glasses")


def sheet(model: Path, seeds: int, steps: int) -> str:
    """The file: every one of ``WHAT`` of every one of ``WHO``."""
    lines = ["[defaults]", f"backbone = '{model}'", f'seeds = "0-{seeds - 1}"', f"steps = {steps}"]
    lines += ['core = "mean"', "force = true"]
    for who in WHO:
        for what in WHAT:
            name = f"{who}-{what}".replace(" ", "-")
            lines += [f"[attributes.{name}]", f'source = "a {who}"', f'target = "a {who}, {what}"']
    return "\n".join(lines)


def held(bank: Path) -> dict[str, bytes]:
    """What a bank holds: every artifact's bytes, by its id."""
    return {entry.id: Bank(bank).read(entry) for entry in Bank(bank).entries()}


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """A Ray cluster on this machine, by its address; whoever asks for Ray in this process is in it."""
    os.environ |= QUIET
    import ray

    ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        yield ray.get_runtime_context().gcs_address
    finally:
        ray.shutdown()


def at_work() -> list[int]:
    """The processes of workers that this process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title, group = (folder / "cmdline").read_bytes(), os.getsid(int(folder.name))
        except OSError:  # it has ended meanwhile
            continue
        if title.startswith(b"ray::Worker") and group == os.getsid(0):
            found.append(int(folder.name))
    return found


class Learned:
    """Counts what is stored, and does something when it is the ``at``-th."""

    def __init__(self, at: int | None = None) -> None:
        self.stored, self.killed, self._at = 0, 0, at

    def __call__(self, entry: object) -> None:
        """Count one."""
        self.stored += 1
        workers = at_work() if self.stored == self._at else []
        if workers:
            os.kill(workers[0], signal.SIGKILL)
            self.killed += 1


def by_client(
    file: Path, bank: Path, address: str, *, until: int | None = None, by: signal.Signals = signal.SIGKILL
) -> tuple[int, int]:
    """Learn it in a process of its own, which is sent a signal when it has told of so many; how many, and its end."""
    words = ["learn", "--from", str(file), "--bank", str(bank), "--on", f"ray:{address}", "--no-preview"]
    client = subprocess.Popen(  # noqa: S603 — our own command
        [sys.executable, "-m", "attrbank", *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    stored = 0
    for line in client.stderr or ():
        stored += line.startswith("Stored")
        if stored == until:
            client.send_signal(by)
            until = None
    return stored, client.wait()


def without_work(count: int) -> tuple[float, list[int]]:
    """Seconds of each task, without the first, and kilobytes of this process at every tenth of them."""
    began, memory = None, list[int]()
    tasks = (Task(number, b"x" * 100) for number in range(count + 1))
    for done, _ in enumerate(Carrier(Ray(), Job(TARGET, b""))(tasks, lambda task, message: None)):
        began = began or time.perf_counter()
        if done % max(1, count // 10) == 0:
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return (time.perf_counter() - (began or 0)) / count, memory


class Trial(NamedTuple):
    """What is tried.

    Attributes:
        file: what is learned.
        total: how many attributes it names.
        wanted: what a bank holds into which this process alone has learned it.
        work: a folder.
        address: of the cluster.
        tasks: of no work.
    """

    file: Path
    total: int
    wanted: dict[str, bytes]
    work: Path
    address: str
    tasks: int

    def same(self, bank: Path) -> str:
        """Whether a bank holds what it should."""
        return f"the same bytes: {held(bank) == self.wanted}"


def as_it_is(trial: Trial) -> Iterator[str]:
    """Learn it by workers."""
    learned, bank = Learned(), trial.work / "as it is"
    _run(trial.file, bank, learned, executor=Ray())
    yield f"by workers: {learned.stored} learned; {trial.same(bank)}"


def worker_killed(trial: Trial) -> Iterator[str]:
    """Kill a worker when a third is stored."""
    learned, bank = Learned(at=trial.total // 3), trial.work / "a worker killed"
    run = _run(trial.file, bank, learned, executor=Ray())
    yield (
        f"{learned.killed} worker killed when {trial.total // 3} were stored: {learned.stored} learned, "
        f"{run.again} tasks begun again; {trial.same(bank)}"
    )


def client_killed(trial: Trial) -> Iterator[str]:
    """Interrupt the client, as Ctrl-C does, kill the next one, and let a third go on."""
    bank, before, sum_told = trial.work / "the client killed", 0, 0
    for what, until, by in (
        ("the client interrupted", trial.total // 3, signal.SIGINT),
        ("the next one killed", trial.total // 3, signal.SIGKILL),
        ("a third one", None, signal.SIGKILL),
    ):
        told, code = by_client(trial.file, bank, trial.address, until=until, by=by)
        there, sum_told = len(held(bank)), sum_told + told
        yield f"{what}: {told} told, exit code {code}; {there - before} more in the bank, {there} in all"
        before = there
    yield f"of {trial.total} attributes {sum_told} were told by three clients; {trial.same(bank)}"


def no_work(trial: Trial) -> Iterator[str]:
    """Measure what a task costs, and what the client holds."""
    each, memory = without_work(trial.tasks)
    yield f"{trial.tasks:,} tasks of no work: {1000 * each:.2f} ms each"
    yield f"memory of the client, MB: {', '.join(f'{kb / 1024:.1f}' for kb in memory)}"


PARTS: Mapping[str, Callable[[Trial], Iterator[str]]] = {
    "as-it-is": as_it_is,
    "worker": worker_killed,
    "client": client_killed,
    "tasks": no_work,
}


def main(
    parts: Annotated[list[str] | None, typer.Argument(metavar="PART...", help=f"{', '.join(PARTS)}; or all.")] = None,
    *,
    seeds: Annotated[int, typer.Option(help="Learning seeds of each.")] = 4,
    steps: Annotated[int, typer.Option(help="Sampling steps.")] = 8,
    tasks: Annotated[int, typer.Option(help="Of no work.")] = 10_000,
    workers: Annotated[int, typer.Option(help="Of the cluster.")] = 2,
) -> None:
    """Try all of it, and say what came of it."""
    chosen = [PARTS[name] for name in parts or PARTS]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        file, total, wanted = work / "a.toml", len(WHO) * len(WHAT), dict[str, bytes]()
        if chosen != [no_work]:
            file.write_text(sheet(build_pipeline(work / "model"), seeds, steps), encoding="utf-8")
            learned = Learned()
            _run(file, work / "here", learned)
            wanted = held(work / "here")
            typer.echo(f"{total} attributes of {len(WHO)} sources; in this process: {learned.stored} learned")
        with cluster(workers) as address:
            for part in chosen:
                for line in part(Trial(file, total, wanted, work, address, tasks)):
                    typer.echo(line)
                    sys.stdout.flush()


def _run(file: Path, bank: Path, learned: Learned, executor: Executor | None = None) -> Run:
    run = Run(bank=bank, on_stored=learned, executor=executor or Here())
    failed = [outcome.error for outcome in run(read_fleet(file, bank)) if outcome.error]
    if failed:
        typer.echo(f"failed: {failed}", err=True)
    return run


if __name__ == "__main__":
    typer.run(main)
