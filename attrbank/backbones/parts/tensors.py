"""Tensors as they lie in safetensors files: their header, and as many of their numbers as are wanted.

Only the standard library is used: what is read here is needed before any model is loaded.
"""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from attrbank.schema.tensor_file import LENGTH_BYTES, claimed_size, parse_object, parse_tensor

MAX_HEADER_BYTES = 100_000_000


class StoredTensor(NamedTuple):
    """A tensor as it lies in a safetensors file: type, shape and little-endian bytes."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes


def read_header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """What the header of an open file says of each tensor, not yet checked, and where the tensors' bytes begin.

    Raises:
        OSError: the file cannot be read.
        ValueError, RecursionError: it is not a safetensors file.
    """
    length = os.fstat(file.fileno()).st_size
    size = claimed_size(file.read(LENGTH_BYTES), min(MAX_HEADER_BYTES, length))
    return parse_object(file.read(size - LENGTH_BYTES).decode("utf-8")), size


def read_tensor(path: Path, name: str) -> StoredTensor:
    """Read one tensor of a safetensors file, and no more than that.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a safetensors file, or holds no tensor of that name.
    """
    with path.open("rb") as file:
        fields, begin = read_header(file)
        if name not in fields:
            raise ValueError(f"{path.name} holds no tensor {name}")
        tensor = parse_tensor(name, fields[name])
        file.seek(begin + tensor.start)
        return StoredTensor(tensor.dtype, tensor.shape, file.read(tensor.end - tensor.start))


def to_half(tensor: StoredTensor) -> bytes:
    """The tensor's values as little-endian half-precision floats, rounded to nearest even, as torch does.

    Raises:
        ValueError: the type is none of F32, F16 and BF16, or the bytes do not fill the shape.
    """
    return halves(tensor.dtype, tensor.content, math.prod(tensor.shape))


def halves(dtype: str, content: bytes, count: int) -> bytes:
    """So many numbers of that type, little-endian, as half-precision floats; raises as ``to_half``."""
    match dtype:
        case "F16":
            if len(content) != 2 * count:
                raise ValueError("the file ends within a tensor")
            return content
        case "F32":
            values = struct.unpack(f"<{count}f", content)
        case "BF16":  # the upper half of a single
            upper = struct.unpack(f"<{count}H", content)
            values = struct.unpack(f"<{count}f", struct.pack(f"<{count}I", *(half << 16 for half in upper)))
        case other:
            raise ValueError(f"weights of type {other} are not supported")
    try:
        return struct.pack(f"<{count}e", *values)
    except OverflowError:
        return b"".join(_half(value) for value in values)


def _half(value: float) -> bytes:
    try:
        return struct.pack("<e", value)
    except OverflowError:
        return struct.pack("<e", math.copysign(math.inf, value))
