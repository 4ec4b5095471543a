"""The safetensors format: what every reader of it has to check, whichever file it reads and whatever it wants of it.

A file is an 8-byte little-endian length n, n bytes of JSON, and the tensors' bytes. The JSON maps each tensor to its
dtype, shape and data_offsets, and ``__metadata__`` to texts. Everything here raises ValueError.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple, NoReturn

LENGTH_BYTES = 8
MAX_DIMENSIONS = 8
METADATA = "__metadata__"
ITEM_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}


class TensorInfo(NamedTuple):
    """One tensor's place: ``start`` and ``end`` count bytes from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def claimed_size(start: bytes, longest: int) -> int:
    """Bytes before the data, as the first eight bytes claim.

    Args:
        start: the beginning of the file.
        longest: the most bytes of JSON that the reader accepts.

    Raises:
        ValueError: no such file begins like this.
    """
    length = int.from_bytes(start[:LENGTH_BYTES], "little")
    if len(start) < LENGTH_BYTES or not 2 <= length <= longest:
        raise ValueError("there is no safetensors header")
    return LENGTH_BYTES + length


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object in which nothing is given twice and every number is one.

    Raises:
        ValueError, RecursionError: the text is something else.
    """
    value = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    if not isinstance(value, dict):
        raise ValueError("a JSON object is expected")
    return value


def parse_tensor(name: str, field: Any) -> TensorInfo:
    """What a header says of one tensor.

    Raises:
        ValueError: that is malformed, or not possible.
    """
    shown = ascii(name[:80])
    if not isinstance(field, dict) or set(field) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {shown} lacks a dtype, a shape or offsets")
    dtype, shape, offsets = field["dtype"], field["shape"], field["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise ValueError(f"tensor {shown} has an unknown dtype")
    if not _are_counts(shape, least=1) or len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"tensor {shown} has an impossible shape")
    if not _are_counts(offsets, least=0) or len(offsets) != 2:
        raise ValueError(f"tensor {shown} has impossible offsets")
    if offsets[1] - offsets[0] != math.prod(shape) * ITEM_BYTES[dtype]:
        raise ValueError(f"tensor {shown} has offsets that do not fit its shape")
    return TensorInfo(dtype, tuple(shape), offsets[0], offsets[1])


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is given twice")
    return fields


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _are_counts(value: Any, least: int) -> bool:
    return isinstance(value, list) and all(type(number) is int and least <= number < 2**48 for number in value)
