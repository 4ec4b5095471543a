"""How many attributes a second a bank takes from several writers: ``python -m lab.many_writers 1 4 16``.

Every writer is a process that adds artifacts of full size (62 KB), one after the other, as fast as it is let. Prints
for each number of writers the attributes a second that all of them added together, the median and the longest wait for
one, and how many were refused because another writer held the bank for longer than half a minute. ``--there`` fills
the bank before. Then what attributes take on their way to a shared folder, and back: seconds of the clock, and of the
processor in brackets.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Queue
from typing import Annotated, Any, NamedTuple

import typer

from attrbank.attribute import exchange
from attrbank.attribute.places import addresses
from attrbank.errors import BankBusyError
from attrbank.store.bank import Bank
from lab.large_bank import fill
from lab.many_alike import WITH_LATENTS, full_size, taken

EACH = 50
"""Attributes of one writer."""


class Added(NamedTuple):
    """What one writer did: when it began and ended, how long each took, and how many were refused."""

    began: float
    ended: float
    waits: list[float]
    refused: int


def write(number: int, bank: Path, ready: Barrier, told: Queue[Added]) -> None:
    """Add attributes that nobody else adds."""
    opened = Bank(bank)
    artifacts = [full_size(f"by-{number}-{n}") for n in range(EACH)]
    ready.wait()
    began, waits, refused = time.time(), [], 0
    for data in artifacts:
        before = time.perf_counter()
        try:
            opened.add(data)
        except BankBusyError:
            refused += 1
        else:
            waits.append(time.perf_counter() - before)
    told.put(Added(began, time.time(), waits, refused))


def written(writers: int, bank: Path) -> tuple[Added, ...]:
    """What so many did at once."""
    context: Any = get_context("spawn")
    ready, told = context.Barrier(writers), context.Queue()
    processes = [context.Process(target=write, args=(n, bank, ready, told)) for n in range(writers)]
    for process in processes:
        process.start()
    done = tuple(told.get() for _ in processes)
    for process in processes:
        process.join()
    return done


def main(
    writers: Annotated[list[int], typer.Argument(help="At once.")],
    there: Annotated[int, typer.Option(help="Attributes that are there already.")] = 0,
    shared: Annotated[int, typer.Option(help="So many of all are shared.")] = 200,
) -> None:
    """Print a row for each number of writers."""
    print("writers  attributes a second  median wait, s  longest wait, s  refused")
    with tempfile.TemporaryDirectory() as folder:
        for number in writers:
            bank = fill(Path(folder) / f"bank-{number}", there, full_size, WITH_LATENTS)
            done = written(number, bank.path)
            seconds = max(one.ended for one in done) - min(one.began for one in done)
            waits = [wait for one in done for wait in one.waits]
            rate = len(waits) / seconds
            waited = f"{statistics.median(waits):14.3f}  {max(waits):15.2f}"
            print(f"{number:7}  {rate:19.1f}  {waited}  {sum(one.refused for one in done)}", flush=True)
        _share(bank, Path(folder) / "shelf", shared)


def _share(bank: Bank, shelf: Path, number: int) -> None:
    entries, more = bank.entries(limit=number), bank.add(full_size("one-more"))
    with addresses.target(str(shelf), private=False) as target:
        began = time.perf_counter()
        exchange.push(bank, entries, target, licence=None, replace=False, on_warning=print)
        print(f"pushed {len(entries):,} to a folder: {time.perf_counter() - began:.1f} s")
    taken(bank, "list")  # whatever is compiled or read for the first time
    print(f"pushed one more: {taken(bank, 'push', str(shelf), more.name)} s")
    other = Bank(bank.path.parent / "other")
    print(f"pulled one of them: {taken(other, 'pull', str(shelf), more.name)} s")
    print(f"pulled all: {taken(other, 'pull', str(shelf))} s")


if __name__ == "__main__":
    typer.run(main)
