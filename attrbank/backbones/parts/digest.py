"""One digest of all weights of a network, the same for every precision, name and shard that they are stored under.

Of every tensor its shape counts and its numbers, rounded to half precision: all of a small one, of a large one blocks
at even distances, so that a model of gigabytes is known after some thousand short reads. Whatever training or fusing
changes a weight matrix changes its blocks. Tensors are told apart by what they hold, not by their names, which every
format has its own of; whole numbers, such as position ids, are no weights.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from attrbank.backbones.parts.tensors import halves, read_header
from attrbank.schema.tensor_file import ITEM_BYTES, METADATA, parse_tensor

WHOLE = 2**15
"""Numbers of the largest tensor that is looked at from end to end."""

BLOCKS, BLOCK = 4, 256

_WHOLE_NUMBERS = frozenset({"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"})

Span: TypeAlias = tuple[int, int]


def spans(count: int) -> list[Span]:
    """Which of so many numbers are looked at: from the first of each span to before its second."""
    if count <= WHOLE:
        return [(0, count)]
    starts = (number * (count - BLOCK) // (BLOCKS - 1) for number in range(BLOCKS))
    return [(start, start + BLOCK) for start in starts]


def tensor_digest(shape: Sequence[int], count: int, read: Callable[[Span], bytes]) -> bytes:
    """The digest of one tensor; ``read`` gives a span of its numbers in half precision.

    Sides of 1 do not count, because some formats store a linear layer as a convolution.
    """
    digest = hashlib.sha256(json.dumps([side for side in shape if side != 1]).encode())
    for span in spans(count):
        digest.update(read(span))
    return digest.digest()


def combined(digests: Iterable[bytes]) -> str:
    """The digest of a network, in hex, from those of its tensors in any order."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def weights_digest(files: Iterable[Path], prefix: str = "") -> str:
    """The digest of the tensors in some safetensors files whose names begin with ``prefix``.

    Raises:
        OSError, ValueError, RecursionError, struct.error: a file cannot be read, is damaged, or of another format.
    """
    found = [digest for path in files for digest in _digests(path, prefix)]
    if not found:
        raise ValueError(f"there are no weights {prefix}")
    return combined(found)


def _digests(path: Path, prefix: str) -> Iterator[bytes]:
    with path.open("rb") as file:
        fields, begin = read_header(file)
        for name, field in fields.items():
            if name != METADATA and name.startswith(prefix) and not _is_of_whole_numbers(field):
                yield _digest(file.fileno(), begin, name, field)


def _digest(file: int, begin: int, name: str, field: Any) -> bytes:
    tensor = parse_tensor(name, field)
    size = ITEM_BYTES[tensor.dtype]
    count = (tensor.end - tensor.start) // size

    def read(span: Span) -> bytes:
        first, last = span
        content = os.pread(file, (last - first) * size, begin + tensor.start + first * size)
        return halves(tensor.dtype, content, last - first)

    return tensor_digest(tensor.shape, count, read)


def _is_of_whole_numbers(field: Any) -> bool:
    return isinstance(field, dict) and field.get("dtype") in _WHOLE_NUMBERS
