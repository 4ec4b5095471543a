"""Artifacts made by hand, without torch or safetensors."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrbank.store.bank import Bank

RECORD: dict[str, Any] = {
    "format_version": 1,
    "name": "young",
    "method": "avi",
    "vectors": "difference",
    "core": "mean",
    "rank": 4,
    "units": {"mean": 1.25},
    "pairs": [{"source": "a person", "target": "a young person"}],
    "seeds": [0, 1, 2, 3],
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


def file_of(head: dict[str, Any] | bytes, body: bytes = bytes(16)) -> bytes:
    """A file with the safetensors frame around any header."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body


def artifact(name: str = "young", *, body: bytes = bytes(16), **changes: Any) -> bytes:
    """A valid artifact, unless the changes to its record spoil it."""
    record = json.dumps(RECORD | {"name": name} | changes)
    return file_of({"__metadata__": {"attrbank.record": record}, "core": TENSOR}, body)


SHAPES = {"mean.u": (4, 16, 1), "mean.core": (4, 1), "mean.vh": (4, 1, 16)}
"""Of the tensors that a difference of rank 1 has for latents of 4×16×16."""


def usable(name: str = "young", *, body: bytes | None = None, shapes: Any = SHAPES, **changes: Any) -> bytes:
    """A valid artifact with which its method can also edit."""
    head: dict[str, Any] = {"__metadata__": {"attrbank.record": json.dumps(RECORD | {"name": name} | changes)}}
    end = 0
    for tensor, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        head[tensor] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    return file_of(head, bytes(end) if body is None else body.ljust(end, b"\0"))


def pointing(name: str, vector: Sequence[float], **changes: Any) -> bytes:
    """A usable artifact whose mean difference holds these numbers, at most 64, and is 0 elsewhere."""
    u, core, vh = [0.0] * 64, [1.0] * 4, ([1.0] + [0.0] * 15) * 4
    u[: len(vector)] = vector
    return usable(name, body=struct.pack("<132f", *u, *core, *vh), **changes)


def numbered(name: str, number: int) -> bytes:
    """One of many different artifacts of the same name."""
    return artifact(name, body=number.to_bytes(16, "big"))


def object_path(bank: Bank, identity: str) -> Path:
    """Where the bank keeps an artifact."""
    return bank.path / "objects" / identity[:2] / f"{identity}.safetensors"


def snapshot(root: Path) -> dict[str, bytes]:
    """All files below a folder, to be compared before and after."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
