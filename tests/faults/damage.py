"""Files that are cut off, flipped or made up: every one is refused in a sentence, or is what it was.

::

    python -m tests.faults.damage fuzzed 1000 0

tries a thousand made-up files, chosen by seed 0.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrbank.errors import AttrbankError
from attrbank.store import blobs
from attrbank.store.bank import Bank
from attrbank.store.header import check_seal, parse_header, seal
from attrbank.store.record import validated_record
from tests.faults.campaign import Tally, workplace
from tests.helpers.artifacts import RECORD, TENSOR, artifact, file_of, usable

SEALED = seal(artifact("young"))
SLOW = 1.0
"""Seconds of this process's own time; a hundredth of it is usual."""


def _named(folder: Path, data: bytes) -> bytes:
    """A file as it lies in a bank, under the id of what it was."""
    path = folder / f"{blobs.identify(SEALED)}.safetensors"
    path.write_bytes(data)
    return blobs.get(path).data


def _nameless(folder: Path, data: bytes) -> bytes:
    """A file as it comes from elsewhere."""
    path = folder / "gift.safetensors"
    path.write_bytes(data)
    read = blobs.get_foreign(path)
    check_seal(read)
    validated_record(parse_header(read))
    return read


def flipped(folder: Path, _budget: int, _chooser: random.Random) -> Iterator[tuple[str, str | None]]:
    """Every bit, in a bank and on the way to one."""
    for read in (_named, _nameless):
        for bit in range(8 * len(SEALED)):
            data = bytearray(SEALED)
            data[bit // 8] ^= 1 << bit % 8
            yield f"bit {bit}, {read.__name__}", _refused(read, folder, bytes(data))


def truncated(folder: Path, _budget: int, _chooser: random.Random) -> Iterator[tuple[str, str | None]]:
    """Every length, in a bank and on the way to one."""
    for read in (_named, _nameless):
        for length in range(len(SEALED)):
            yield f"{length} bytes, {read.__name__}", _refused(read, folder, SEALED[:length])


def _refused(read: Callable[[Path, bytes], bytes], folder: Path, data: bytes) -> str | None:
    try:
        read(folder, data)
    except AttrbankError:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "was taken as sound"


def fuzzed(folder: Path, budget: int, chooser: random.Random) -> Iterator[tuple[str, str | None]]:
    """Files made of parts of good ones and of what good ones never hold; each is added to a bank that holds one."""
    bank = Bank(folder / "bank")
    kept = {bank.add(artifact("kept")).id}
    for number in range(budget):
        data = chooser.choice((_spliced, _restructured, _rerecorded))(chooser)
        before = time.process_time()
        yield f"file {number}", _survives(bank, data, kept)
        if time.process_time() - before > SLOW:
            yield f"file {number}", f"took {time.process_time() - before:.1f} s"
    sound = {finding.item for finding in bank.verify() if finding.state == "ok"}
    yield "all of them", "something that was added is not sound" if sound != kept else None


def _survives(bank: Bank, data: bytes, kept: set[str]) -> str | None:
    """A file is refused and changes nothing, or is there, and is the one that came."""
    try:
        entry = bank.add(data, replace=True)
        kept.add(entry.id)
        return None if bank.read(entry) == data else "changed on its way"
    except AttrbankError as error:
        return None if "\n" not in error.message and len(error.message) < 1000 else f"no sentence: {error.message}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _spliced(chooser: random.Random) -> bytes:
    """Bytes of a good file moved, doubled, lost, overwritten."""
    data = bytearray(chooser.choice((SEALED, artifact("young"), usable("young"))))
    for _ in range(chooser.randrange(1, 6)):
        at, size = chooser.randrange(len(data)), chooser.choice((1, 1, 2, 8, 100))
        piece = chooser.choice((b"", bytes(size), chooser.randbytes(size), b"\xff" * size, bytes(data[:size])))
        data[at : at + chooser.choice((0, size))] = piece
        data = data or bytearray(b"\0")
    return bytes(data)


NUMBERS = (
    -1,
    0,
    1,
    2,
    3,
    15,
    16,
    17,
    2**31,
    2**32,
    2**53,
    2**63,
    2**64,
    10**400,
    0.5,
    -0.0,
    1e308,
    True,
    None,
    "1",
    [],
    {},
)
TEXTS = (
    "",
    "core",
    "__metadata__",
    "../x",
    "\0",
    "\u202e",
    "ü" * 500,
    "x" * 5000,
    "\ud800",
    "[red]",
    "\x1b]0;x\x07",
    "NaN",
)


def _odd(chooser: random.Random, depth: int = 3) -> Any:
    """Any JSON, odd numbers and texts first."""
    kind = chooser.random()
    if depth and kind < 0.15:
        return [_odd(chooser, depth - 1) for _ in range(chooser.randrange(4))]
    if depth and kind < 0.3:
        return {chooser.choice(TEXTS): _odd(chooser, depth - 1) for _ in range(chooser.randrange(4))}
    return chooser.choice(NUMBERS if kind < 0.7 else TEXTS)


def _restructured(chooser: random.Random) -> bytes:
    """A header that says of its tensors what cannot be."""
    head: dict[str, Any] = {"__metadata__": {"attrbank.record": json.dumps(RECORD)}}
    for number in range(chooser.choice((0, 1, 2, 3, 70))):
        tensor: dict[str, Any] = TENSOR | {"data_offsets": [16 * number, 16 * number + 16]}
        if chooser.random() < 0.5:
            tensor[chooser.choice(("dtype", "shape", "data_offsets", "more"))] = _odd(chooser)
        head[chooser.choice((f"t{number}", *TEXTS))] = tensor if chooser.random() < 0.9 else _odd(chooser)
    text = json.dumps(head).encode()
    length = len(text) if chooser.random() < 0.8 else chooser.choice((0, 1, len(text) - 1, len(text) + 1, 2**20, 2**63))
    return length.to_bytes(8, "little") + text + bytes(chooser.choice((0, 15, 16, 32, 48)))


def _rerecorded(chooser: random.Random) -> bytes:
    """A record in which fields are missing, odd, or nobody's."""
    record: dict[str, Any] = dict(RECORD)
    for _ in range(chooser.randrange(1, 4)):
        field = chooser.choice([*RECORD, *TEXTS])
        place = record
        if isinstance(record.get(field), dict) and chooser.random() < 0.7:
            place, field = dict(record[field]), chooser.choice([*record[field], "more"])
        if chooser.random() < 0.2:
            place.pop(field, None)
        else:
            place[field] = _odd(chooser)
        record |= place if place is record else {}
    texts = {"attrbank.record": json.dumps(record)}
    if chooser.random() < 0.2:
        texts[chooser.choice(TEXTS)] = chooser.choice(TEXTS)
    return file_of({"__metadata__": texts, "core": TENSOR})


KINDS = {"flipped": flipped, "truncated": truncated, "fuzzed": fuzzed}


def tried(kind: str, budget: int, seed: int) -> Tally:
    """Files of one kind; only of made-up ones there is a budget. Memory is limited to what is in use and a little."""
    in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + 2**28, resource.RLIM_INFINITY))
    with workplace() as folder:
        found = list(KINDS[kind](folder, budget, random.Random(f"{seed} {kind}")))
    return Tally(len(found), [f"{kind} {which}: {wrong}" for which, wrong in found if wrong])


if __name__ == "__main__":
    kind, budget, seed = sys.argv[1:]
    print(json.dumps(tried(kind, int(budget), int(seed))))
