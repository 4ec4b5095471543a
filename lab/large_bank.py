"""How long commands take in a bank of many: ``python -m lab.large_bank 1000 100000``.

Prints, for each number of attributes, the seconds of ``list`` (in a terminal, in a pipe, as JSON) and ``show``, the
least of several runs each, and of ``reindex``, with how long of that it kept others from writing.
"""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from attrbank.store import index
from attrbank.store.bank import Bank
from attrbank.store.entry import derive
from attrbank.store.layout import Layout

RECORD: dict[str, Any] = {
    "format_version": 1,
    "method": "avi",
    "vectors": "difference",
    "core": "mean",
    "rank": 4,
    "units": {"mean": 1.25},
    "pairs": [{"source": "a photo of a person", "target": "a photo of a young person"}],
    "seeds": list(range(64)),
    "t_x": 0.4,
    "delta_tau": -0.2,
    "resolved": {"timestep_x": 400, "timestep_z": 200, "alpha_bar_x": 0.2, "alpha_bar_z": 0.6},
    "backbone": {
        "name": "portraits",
        "fingerprint": "0123456789abcdef",
        "latent_shape": [4, 16, 16],
        "prediction_type": "epsilon",
    },
    "sampler": "ddim",
    "steps": 50,
    "guidance_scale": 7.5,
}
TENSOR = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}


def artifact(name: str) -> bytes:
    """A small artifact that is valid and does nothing."""
    header = {"__metadata__": {"attrbank.record": json.dumps(RECORD | {"name": name})}, "core": TENSOR}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(16)


def fill(folder: Path, number: int) -> Bank:
    """A bank of so many attributes, written as fast as the disk takes them, with no care for a crash."""
    layout = Layout(folder)
    folder.mkdir(parents=True)
    facts, versions = [], []
    for name in (f"attribute-{n:06}" for n in range(number)):
        data = artifact(name)
        identity = hashlib.sha256(data).hexdigest()
        path = layout.object(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        facts.append(tuple(derive(identity, RECORD | {"name": name}, len(data)).values()))
        versions.append((identity, name, "2026-01-01T00:00:00.000+00:00", 1, None))
    with index.writing(layout.index) as connection:
        columns = ", ".join(derive("0" * 64, RECORD | {"name": "x"}, 1))
        marks = ", ".join("?" * len(facts[0]))
        connection.executemany(f"INSERT INTO artifacts ({columns}) VALUES ({marks})", facts)  # noqa: S608
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
        subprocess.run(words, env=environment, stdout=slave, stderr=slave, check=True)
        os.close(slave)
        drained.join()
    else:
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 2**16):
            pass
    except OSError:  # the other end is closed
        os.close(descriptor)


def reindexed(bank: Bank) -> tuple[float, float]:
    """Seconds that ``reindex`` takes, and for how many of them nobody else can write."""
    held = list[float]()
    done = threading.Event()

    def watch() -> None:
        for since in _locked_since(bank, done):
            held.append(since)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    bank.reindex()
    taken = time.perf_counter() - began
    done.set()
    watcher.join()
    return taken, sum(held)


def _locked_since(bank: Bank, done: threading.Event) -> Iterator[float]:
    raise NotImplementedError
