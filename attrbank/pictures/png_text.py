"""Read the text chunks of a PNG with the standard library alone, so that ``show`` loads no imaging package.

Chunks are laid out as in the PNG specification, section 5.3; text as in 11.3.4. Compressed text is
not read: attrbank writes none, and a few bytes of it can unpack to gigabytes.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from attrbank import files
from attrbank.errors import CorruptArtifactError, InvalidValueError, NotFoundError
from attrbank.text import printable

RECIPE_KEY = "attrbank.recipe"
SHEET_KEY = "attrbank.sheet"
"""Of many pictures in rows and columns, which have a recipe each."""
MAX_TEXT = 2**20
MAX_CHUNKS = 100_000

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_recipe_text(path: Path) -> str:
    """The JSON text of the recipe that a picture carries.

    Raises:
        NotFoundError: there is no such file, or the picture carries no recipe.
        InvalidValueError: it is not a PNG.
        CorruptArtifactError: the recipe's chunk is damaged, or larger than 1 MiB.
        StorageError: it cannot be read.
    """
    shown = printable(str(path))
    if not os.path.isfile(path):
        raise NotFoundError(f"There is no picture {shown}.", hint="Names of attributes have no ending.")
    with files.reading(path), path.open("rb") as file:
        return recipe_text_in(file, shown)


def recipe_text_in(file: BinaryIO, shown: str) -> str:
    """The same of a picture that is open already; errors call it as ``shown`` does."""
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        raise InvalidValueError(f"{shown} is not a PNG.", hint="Only PNGs written by attrbank tell how they were made.")
    for text in _texts(file, RECIPE_KEY):
        return text
    file.seek(0)
    if is_sheet(file):
        raise NotFoundError(
            f"{shown} is a sheet of many pictures, which have a recipe each.",
            hint="Draw the one that you mean with attrbank apply, and show that.",
        )
    raise NotFoundError(
        f"{shown} carries no recipe.", hint="Only PNGs written by attrbank do, and many programs strip it."
    )


def is_sheet(file: BinaryIO) -> bool:
    """Whether an open file is a PNG of many pictures that attrbank has laid out, and says so undamaged."""
    try:
        return file.read(len(_SIGNATURE)) == _SIGNATURE and any(True for _ in _texts(file, SHEET_KEY))
    except CorruptArtifactError:
        return False


def _texts(file: BinaryIO, key: str) -> Iterator[str]:
    """The texts under ``key``, in the order of their chunks."""
    start = key.encode("ascii") + b"\0"
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length, kind = struct.unpack(">I4s", head)
        beginning = file.read(min(length, len(start))) if kind in {b"tEXt", b"iTXt"} else b""
        if beginning == start:
            yield _decoded(kind, _rest_of_chunk(file, kind, beginning, length))
        else:
            file.seek(length - len(beginning) + 4, 1)  # 4 bytes of checksum


def _rest_of_chunk(file: BinaryIO, kind: bytes, beginning: bytes, length: int) -> bytes:
    if length > MAX_TEXT:
        raise CorruptArtifactError(f"The picture's recipe is larger than {MAX_TEXT:,} bytes.")
    rest = file.read(length - len(beginning))
    if file.read(4) != struct.pack(">I", zlib.crc32(kind + beginning + rest)):
        raise CorruptArtifactError("The picture's recipe is damaged: its checksum is wrong.")
    return rest


def _decoded(kind: bytes, data: bytes) -> str:
    try:
        if kind == b"tEXt":
            return data.decode("latin-1")
        compressed, _, tagged = data[0], data[1], data[2:]
        _language, _translated, text = tagged.split(b"\0", 2)
        if compressed:
            raise CorruptArtifactError("The picture's recipe is compressed, which attrbank never does.")
        return text.decode("utf-8")
    except (ValueError, IndexError) as error:
        raise CorruptArtifactError("The picture's recipe is damaged: it is not text.") from error
