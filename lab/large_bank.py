"""How long commands take in a bank of many: ``python -m lab.large_bank 1000 100000``.

Prints, for each number of attributes, the seconds of ``list`` (in a terminal, where it shows 50 rows; in a pipe; as
JSON) and ``show``, the least of several runs each, and of ``reindex``, with the longest that another writer waited.
"""

from __future__ import annotations

import hashlib
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from attrbank.store import index
from attrbank.store.bank import Bank
from attrbank.store.entry import derive
from attrbank.store.layout import Layout
from tests.helpers.artifacts import RECORD, artifact


def name_of(number: int) -> str:
    """What an attribute of a filled bank is called."""
    return f"attribute-{number:06}"


def fill(
    folder: Path, number: int, made: Callable[[str], bytes] = artifact, record: Mapping[str, Any] = RECORD
) -> Bank:
    """A bank of so many attributes, written as fast as the disk takes them, with no care for a crash.

    Args:
        folder: where.
        number: how many.
        made: the artifact of a name.
        record: what it says of itself beside that.
    """
    layout = Layout(folder)
    folder.mkdir(parents=True)
    facts, versions = [], []
    for name in map(name_of, range(number)):
        data = made(name)
        identity = hashlib.sha256(data).hexdigest()
        path = layout.object(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        facts.append(tuple(derive(identity, {**record, "name": name}, len(data)).values()))
        versions.append((identity, name, "2026-01-01T00:00:00.000+00:00", 1, None))
    with index.writing(layout.index) as connection:
        columns = tuple(derive("0" * 64, RECORD | {"name": "x"}, 1))
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO artifacts ({', '.join(columns)}) VALUES ({marks})", facts)  # noqa: S608
        connection.executemany("INSERT INTO versions VALUES (?, ?, ?, ?, ?)", versions)
    return Bank(folder)


def seconds(bank: Bank, *command: str, terminal: bool = False, runs: int = 3) -> float:
    """What a command takes from its start to its end, the least of several runs."""
    return min(_run(bank, command, terminal) for _ in range(runs))


def _run(bank: Bank, command: tuple[str, ...], terminal: bool) -> float:
    environment = os.environ | {"ATTRBANK_BANK": str(bank.path)}
    words = [sys.executable, "-m", "attrbank", *command]
    began = time.perf_counter()
    if terminal:
        master, slave = pty.openpty()
        drained = threading.Thread(target=_drain, args=(master,), daemon=True)
        drained.start()
        subprocess.run(words, env=environment, stdout=slave, stderr=slave, check=True)  # noqa: S603 — our own command line
        os.close(slave)
        drained.join()
    else:
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    return time.perf_counter() - began


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 2**16):
            pass
    except OSError:  # the other end is closed
        os.close(descriptor)


class Rebuilding(NamedTuple):
    """How long ``reindex`` takes, and the longest that another writer waited meanwhile, in seconds."""

    taken: float
    waited: float


def reindexed(bank: Bank) -> Rebuilding:
    """Rebuild an index in another process, and try to write all the while."""
    waited = 0.0
    began = time.perf_counter()
    words = [sys.executable, "-m", "attrbank", "reindex", "--bank", str(bank.path)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        while process.poll() is None:
            asked = time.perf_counter()
            with index.writing(Layout(bank.path).index):
                waited = max(waited, time.perf_counter() - asked)
            time.sleep(0.01)
    return Rebuilding(time.perf_counter() - began, waited)


def main(numbers: Annotated[list[int], typer.Argument(help="Of attributes.")]) -> None:
    """Fill banks, and print a row of seconds for each."""
    print("attributes  list (terminal)  list (pipe)  list --json  show  reindex  another waits")
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            bank = fill(Path(folder) / str(number), number)
            listed = (seconds(bank, "list", terminal=True), seconds(bank, "list"), seconds(bank, "list", "--json"))
            times = (*listed, seconds(bank, "show", name_of(number // 2)), *reindexed(bank))
            print(f"{number:10,}", *(f"{t:.2f}" for t in times), sep="  ")


if __name__ == "__main__":
    typer.run(main)
