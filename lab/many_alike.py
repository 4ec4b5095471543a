"""How long ``similar`` and ``dedupe`` take in a bank of many: ``python -m lab.many_alike 1000 10000``.

Fills banks with artifacts of the size and shape that ``portraits`` has (62 KB, 4×32×32, rank 4), a hundred families of
directions whose members have cosines about .8. Prints for each number of attributes the seconds of ``similar`` the
first time, when every artifact is read, and afterwards (the least of three), those of ``dedupe`` afterwards, and the
bytes of what is kept between; wall clock, and of the processor in brackets. Then whether the ten nearest of some
attributes are those of an exhaustive search.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from attrbank.attribute import sketches
from attrbank.editing.alike import similar
from attrbank.editing.directions import direction_of
from attrbank.store.bank import Bank
from lab.large_bank import fill, name_of
from tests.helpers.artifacts import RECORD, file_of

C, SIDE, RANK = 4, 32, 4
FAMILIES, OWN = 100, 0.25
"""So many directions that many share, and how much of its own each has beside, in shares of the variance."""
BYTES = 62_000
ASKED = 5

SHAPE = (C, SIDE, SIDE)
WITH_LATENTS = RECORD | {"backbone": RECORD["backbone"] | {"latent_shape": list(SHAPE)}}


def full_size(name: str) -> bytes:
    """An artifact as large as one of ``portraits``."""
    number = zlib.crc32(name.encode())
    family, own = np.random.default_rng(number % FAMILIES), np.random.default_rng(number)
    shapes = {"mean.u": (C, SIDE, RANK), "mean.core": (C, RANK), "mean.vh": (C, RANK, SIDE)}
    arrays = {
        name: np.sqrt(1 - OWN) * family.standard_normal(shape) + np.sqrt(OWN) * own.standard_normal(shape)
        for name, shape in shapes.items()
    }
    arrays["mean.core"] = np.ones((C, RANK))
    arrays["others"] = own.standard_normal((BYTES - 4 * sum(a.size for a in arrays.values())) // 4)
    return _file(name, arrays)


def _file(name: str, arrays: dict[str, NDArray[Any]]) -> bytes:
    head: dict[str, Any] = {"__metadata__": {"attrbank.record": json.dumps(WITH_LATENTS | {"name": name})}}
    body = b""
    for tensor, array in arrays.items():
        data = array.astype("<f4").tobytes()
        place = [len(body), len(body) + len(data)]
        head[tensor] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": place}
        body += data
    return file_of(head, body)


class Taken(NamedTuple):
    """Seconds that a command took, of the clock and of the processor."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.2f} ({self.processor:.2f})"


def taken(bank: Bank, *words: str) -> Taken:
    """What a command takes from its start to its end."""
    before, began = _processor(), time.perf_counter()
    environment = os.environ | {"ATTRBANK_BANK": str(bank.path)}
    command = [sys.executable, "-m", "attrbank", *words]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)  # noqa: S603
    return Taken(time.perf_counter() - began, _processor() - before)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def agreement(bank: Bank, number: int) -> float:
    """The share of the ten nearest, of some attributes, that ``similar`` names."""
    entries = bank.entries()
    directions = np.array([direction_of(bank.artifact(entry)).values for entry in entries], dtype="f4")
    hits = 0
    for asked in range(0, number, -(-number // ASKED)):
        cosines = np.abs(directions @ directions[asked])
        truly = {entries[n].id for n in np.argsort(-cosines)[1:11]}
        found = similar(bank, entries[asked], 10, on_progress=lambda *_: None, on_warning=print).found
        hits += len(truly & {alike.entry.id for alike in found})
    return hits / (10 * ASKED)


def main(numbers: Annotated[list[int], typer.Argument(help="Of attributes.")]) -> None:
    """Fill banks, and print a row for each."""
    print("attributes  similar, first  similar  dedupe  bytes kept  of the ten nearest")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        for number in numbers:
            bank = fill(Path(folder) / str(number), number, full_size, WITH_LATENTS)
            asked = ("similar", name_of(number // 2))
            first = taken(bank, *asked)
            later = min(taken(bank, *asked) for _ in range(3))
            twins, kept = taken(bank, "dedupe"), sketches.path_for(bank.path).stat().st_size
            print(f"{number:10,}", first, later, twins, f"{kept:,}", f"{agreement(bank, number):.2f}", sep="  ")


if __name__ == "__main__":
    typer.run(main)
