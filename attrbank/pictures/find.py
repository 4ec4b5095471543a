"""Which files are pictures, and which pictures or latents belong together; nothing is opened."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from attrbank import files
from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.schema.asked import PictureFiles
from attrbank.text import printable

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm"})
LATENT_SUFFIX = ".safetensors"


def matched(source: Path, target: Path) -> tuple[PictureFiles, ...]:
    """Two pictures, or those of two folders that have the same name whatever its ending, in order of name.

    Latents in files of their own count as pictures.

    Raises:
        NotFoundError: there is no such picture or folder, or a folder holds no pictures.
        InvalidValueError: one is a folder and the other is not, a picture has no partner, or several.
        StorageError: a folder cannot be read.
    """
    for path in (source, target):
        if not os.path.exists(path):
            raise NotFoundError(f"There is no picture {printable(str(path))}.")
    if os.path.isdir(source) != os.path.isdir(target):
        raise InvalidValueError("Source and target must be two pictures or two folders.")
    if not os.path.isdir(source):
        return (PictureFiles(source=source, target=target),)
    sources, targets = (_files_in(folder, SUFFIXES | {LATENT_SUFFIX}) for folder in (source, target))
    _require_partners(source, sources, targets)
    _require_partners(target, targets, sources)
    return tuple(PictureFiles(source=s, target=t) for s, t in zip(sources, targets, strict=True))


def pictures_in(folder: Path) -> list[Path]:
    """The files of a folder whose endings are those of pictures, in order of name; hidden ones are left out.

    Raises:
        NotFoundError: there is none.
        StorageError: the folder cannot be read.
    """
    return _files_in(folder, SUFFIXES)


def _files_in(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    with files.reading(folder):
        # What is hidden was put there by a system: ._a.jpg beside every a.jpg that was copied from a Mac.
        shown = (path for path in folder.iterdir() if not path.name.startswith("."))
        found = [path for path in shown if path.suffix.lower() in suffixes and path.is_file()]
    if not found:
        raise NotFoundError(f"There are no pictures in {printable(str(folder))}.")
    return sorted(found, key=lambda path: (path.stem, path.suffix))


def _require_partners(folder: Path, pictures: list[Path], others: list[Path]) -> None:
    names = Counter(path.stem for path in others)
    for path in pictures:
        if names[path.stem] != 1:
            partners = "no partner" if not names[path.stem] else f"{names[path.stem]} partners"
            raise InvalidValueError(
                f"{printable(str(path.relative_to(folder)))} has {partners} in the other folder.",
                hint="Pictures are matched by name; endings may differ.",
            )
