"""A hostile picture is refused in a sentence, or is one whose every value is a colour."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from attrbank.errors import AttrbankError
from attrbank.pictures.read import read_image
from tests.faults.conftest import Tried
from tests.faults.hostile_pictures import files, special

SLOW = 10.0
"""Seconds of this process's own time."""


def complaint(path: Path) -> str | None:
    """What is wrong with how a file is read, if anything."""
    before = time.process_time()
    try:
        pixels = read_image(path).pixels
        if not (torch.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
            return "gives what is no colour"
    except AttrbankError as error:
        if not error.message.isprintable() or len(error.message) > 1000:
            return f"is refused with {error.message!a}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    taken = time.process_time() - before
    return f"takes {taken:.0f} seconds" if taken > SLOW else None


def test_a_hostile_picture_is_refused_or_sound(tmp_path: Path, tried: Tried) -> None:
    given = dict(special(tmp_path))
    for number, (name, data) in enumerate(files()):
        given[name] = tmp_path / f"{number}.png"
        given[name].write_bytes(data)
    assert len(given) >= 50
    found = {name: complaint(path) for name, path in given.items()}
    tried("hostile pictures", len(found), [f"{name} {wrong}" for name, wrong in found.items() if wrong])
