"""Directions in few numbers each, from which the nearest of many are guessed before any artifact is opened.

They lie outside every bank, in the user's cache: they can be made again from the artifacts, and no figure that is shown
comes from them.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrbank import files
from attrbank.errors import StorageError

NUMBERS = 512
"""Of a sketch. A cosine c of directions is guessed with a standard deviation of at most (1 − c²) / √512."""
SURE = 5.0
"""So many standard deviations off is no guess of some millions."""
ROW = np.dtype([("id", "S64"), ("space", "<u8"), ("sketch", "<f4", (NUMBERS,))])
"""An attribute's: what it is comparable with, 0 being nothing, and its sketch, of length 1."""
_VERSION = b"attrbank sketches 1\n"
_DIGEST = 32


def sketched(direction: NDArray[np.float64]) -> NDArray[np.float32]:
    """The sketch (512,) of a direction (n,): every second sign is turned as if by chance, and frequencies are picked.

    Both are the same for all directions of a length, on every machine. The cosine of two sketches is off that of the
    directions by chance (``reach``); what has no more than 512 numbers is kept as it is, and nothing is off.
    """
    sketch = np.zeros(NUMBERS)
    if len(direction) <= NUMBERS:
        sketch[: len(direction)] = direction
    else:
        signs, picked = _chances(len(direction))
        spectrum = np.fft.rfft(direction * signs)[picked]
        sketch[:] = np.concatenate([spectrum.real, spectrum.imag])
    return np.asarray(sketch / (np.linalg.norm(sketch) or 1.0), dtype=np.float32)


def reach(guess: NDArray[Any]) -> NDArray[Any]:
    """How far a cosine can surely be from a guess of it: five standard deviations."""
    return np.asarray(SURE * (1 - np.minimum(1.0, np.abs(guess)) ** 2) / np.sqrt(NUMBERS) + 1e-5)


@lru_cache(maxsize=8)
def _chances(n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """A sign for each of n numbers, and 256 of the frequencies that have a real and an imaginary part.

    From a hash: what generators of random numbers give may change with their versions.
    """
    bits = np.frombuffer(hashlib.shake_256(b"signs").digest(-(-n // 8)), np.uint8)
    keys = np.frombuffer(hashlib.shake_256(b"frequencies").digest(4 * ((n + 1) // 2 - 1)), "<u4")
    picked = np.sort(np.argsort(keys, kind="stable")[: NUMBERS // 2]) + 1
    return np.unpackbits(bits)[:n] * 2.0 - 1, picked


def path_for(bank: Path) -> Path:
    """Where a bank's sketches are kept."""
    digest = hashlib.sha256(os.fsencode(os.path.realpath(bank))).hexdigest()
    return files.user_folder("cache") / "sketches" / f"{digest[:16]}.bin"


def load(path: Path, makers: str) -> NDArray[Any]:
    """The rows that were kept; none if there are none, they are damaged, or others have made them.

    Args:
        path: where.
        makers: what made the directions: attrbank and the methods, in their versions.
    """
    try:
        data = path.read_bytes() if path.is_file() else b""
    except OSError:
        return np.empty(0, ROW)
    head, digest = _head(makers), data[_DIGEST : 2 * _DIGEST]
    rows = memoryview(data)[2 * _DIGEST :]
    if data[:_DIGEST] != head or hashlib.sha256(rows).digest() != digest or len(rows) % ROW.itemsize:
        return np.empty(0, ROW)
    return np.frombuffer(rows, ROW)


def keep(path: Path, makers: str, rows: NDArray[Any]) -> bool:
    """Keep rows in the place of all that were, and tell whether that could be done."""
    body = rows.tobytes()
    try:
        files.make_folder(path.parent)
        files.sweep(path.parent)
        files.replace(path, _head(makers) + hashlib.sha256(body).digest() + body)
    except StorageError:
        return False
    return True


def _head(makers: str) -> bytes:
    return hashlib.sha256(_VERSION + makers.encode()).digest()
