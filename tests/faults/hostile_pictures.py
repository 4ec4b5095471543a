"""Pictures that lie, are cut off, or blow up."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

Picture = tuple[str, bytes]


def saved(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    """A good picture of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes, *, sound: bool = True) -> bytes:
    """One of a PNG."""
    sum_of = zlib.crc32(kind + data) if sound else 1
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum_of)


def png(width: int, height: int, data: bytes = b"", *, bits: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG that says so of itself."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", data or zlib.compress(b"")) + chunk(b"IEND", b"")


def files() -> Iterator[Picture]:
    """More than fifty files."""
    yield from _liars()
    yield from _cut()
    yield from _spoilt()
    yield from _strangers()


def _liars() -> Iterator[Picture]:
    yield from (
        ("no width", png(0, 5)),
        ("no height", png(5, 0)),
        ("a bomb of zeros", png(60_000, 60_000, zlib.compress(bytes(10**7), 9))),
        ("the widest", png(2**31 - 1, 1)),
        ("the highest", png(1, 2**31 - 1)),
        ("just too large", png(8193, 8193)),
        ("rows that are missing", png(50, 50, zlib.compress(bytes(151)))),
        ("rows too many", png(2, 2, zlib.compress(bytes(10**6)))),
        ("bits that do not exist", png(2, 2, bits=3)),
        ("a colour that does not exist", png(2, 2, colour=7)),
        ("a palette that is missing", png(2, 2, zlib.compress(bytes(6)), colour=3)),
        (
            "a palette that is too short",
            png(2, 2, zlib.compress(b"\0\xff\xff" * 2), colour=3, extra=chunk(b"PLTE", bytes(3))),
        ),
        ("a checksum that is wrong", png(2, 2, zlib.compress(bytes(14)), extra=chunk(b"tEXt", b"a\0b", sound=False))),
        (
            "a text that is a bomb",
            png(2, 2, zlib.compress(bytes(14)), extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8)))),
        ),
        (
            "a profile that is a bomb",
            png(2, 2, zlib.compress(bytes(14)), extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8)))),
        ),
        ("a recipe that is none", png(2, 2, zlib.compress(bytes(14)), extra=chunk(b"tEXt", b"attrbank\0{}"))),
        (
            "deep JSON for a recipe",
            png(2, 2, zlib.compress(bytes(14)), extra=chunk(b"iTXt", b"attrbank\0\0\0\0\0" + b"[" * 10**5)),
        ),
        ("a chunk longer than the file", png(2, 2, extra=struct.pack(">I", 2**31 - 1) + b"tEXtattrbank\0")),
        ("many small chunks", png(2, 2, zlib.compress(bytes(14)), extra=chunk(b"tEXt", b"a\0b") * 50_000)),
        ("an orientation that does not exist", saved("JPEG", exif=_exif(99))),
        (
            "an orientation that is text",
            saved("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\xff\xff\0\0\0\0\0\0"),
        ),
        (
            "many frames",
            saved("GIF", "P", save_all=True, append_images=[Image.new("P", (40, 30), n) for n in range(200)]),
        ),
        ("TIFF whose folder leads to itself", b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0"),
        ("TIFF of a billion tags", b"II*\0\x08\0\0\0\xff\xff" + bytes(100)),
        ("BMP of negative height", saved("BMP")[:22] + struct.pack("<i", -30) + saved("BMP")[26:]),
        ("BMP of a billion pixels", saved("BMP")[:18] + struct.pack("<ii", 2**30, 2) + saved("BMP")[26:]),
        ("PPM of a billion pixels", b"P6 99999 99999 255 "),
        ("PPM of no levels", b"P6 2 2 0 " + bytes(12)),
        ("plain PPM of text", b"P3 2 2 255 a b c"),
        ("WebP whose length is a lie", b"RIFF\xff\xff\xff\x7fWEBP" + saved("WEBP")[12:]),
    )


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _cut() -> Iterator[Picture]:
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"):
        good = saved(kind)
        yield f"half a {kind}", good[: len(good) // 2]
        yield f"the beginning of a {kind}", good[:12]


def _spoilt() -> Iterator[Picture]:
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"):
        chooser, bad = random.Random(kind), bytearray(saved(kind))
        for _ in range(20):
            bad[chooser.randrange(len(bad))] ^= 1 << chooser.randrange(8)
        yield f"a spoilt {kind}", bytes(bad)


def _strangers() -> Iterator[Picture]:
    yield from (
        ("nothing", b""),
        ("zeros", bytes(5000)),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"),
        ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/x) (w) file\n"),
        ("PDF", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n"),
        ("a web page", b"<!DOCTYPE html><html><body>404</body></html>"),
        ("floating point", saved("TIFF", "F")),
        ("CMYK", saved("JPEG", "CMYK")),
        ("a profile of junk", saved("PNG", icc_profile=os.urandom(0) + b"junk" * 50)),
        ("one pixel", saved("PNG", size=(1, 1))),
        ("three thousand by one", saved("PNG", size=(3000, 1))),
    )


def special(folder: Path) -> Iterator[tuple[str, Path]]:
    """What is no regular file, or a very large one."""
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "dangling.png").symlink_to("nowhere.png")
    with (folder / "sparse.png").open("wb") as file:
        file.truncate(2**36)
    for name in ("pipe", "folder", "loop", "dangling", "sparse"):
        yield name, folder / f"{name}.png"
    yield "a device without an end", Path("/dev/zero")
