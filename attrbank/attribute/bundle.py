"""Several attributes as one folder, with ``SHA256SUMS`` of every file in it, as ``sha256sum -c`` reads them.

A folder of the user's, a repository of the hub and a folder that a web server hands out all hold the same::

    young-3fa9c1d2e4b5.safetensors          artifacts, each with
    young-3fa9c1d2e4b5.card.json            its card,
    young-3fa9c1d2e4b5.annotation.json      what is said of it
    young-3fa9c1d2e4b5.preview.jpg          and what it looks like, where there is one
    SHA256SUMS                              the index: what is not in it is not in the bundle
    README.md                               for people, who may write in it; without a sum
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from attrbank import files
from attrbank.errors import CorruptArtifactError, InvalidValueError
from attrbank.store import blobs, cards, notes, previews
from attrbank.store.layout import ARTIFACT_SUFFIX
from attrbank.text import NAME_PATTERN, printable

SUMS, PAGE = "SHA256SUMS", "README.md"
CARD, ANNOTATION, PREVIEW = ".card.json", ".annotation.json", ".preview.jpg"
LIMITS = {
    ARTIFACT_SUFFIX: blobs.MAX_ARTIFACT,
    CARD: cards.MAX_CARD,
    ANNOTATION: notes.MAX_FILE,
    PREVIEW: previews.MAX_PREVIEW,
}
"""Bytes of each kind of file."""
MAX_SUMS, MAX_PAGE = 2**24, 2**20

_FILE = re.compile(rf"({NAME_PATTERN})-([0-9a-f]{{12}})({'|'.join(map(re.escape, LIMITS))})")
_LINE = re.compile(rf"(?P<digest>[0-9a-f]{{64}})  (?P<file>{_FILE.pattern})")

Sums = Mapping[str, str]
"""SHA-256 of each file of a bundle, by the file's name."""


class Member(NamedTuple):
    """What the name of a file in a bundle tells."""

    name: str
    prefix: str
    suffix: str

    @property
    def stem(self) -> str:
        """What the files of one attribute have in common."""
        return f"{self.name}-{self.prefix}"


def member(file: str) -> Member | None:
    """What a file's name tells; None if no file of a bundle is called so."""
    found = _FILE.fullmatch(file)
    return Member(*found.groups()) if found else None


def limit_of(file: str) -> int:
    """The most bytes of a file of a bundle."""
    return next(limit for suffix, limit in LIMITS.items() if file.endswith(suffix))


def is_bundle(path: Path) -> bool:
    """Whether a path is a folder that was exported as a whole."""
    return path.is_dir() and (path / SUMS).is_file()


def begin(folder: Path) -> None:
    """Make the folder of a new bundle.

    Raises:
        InvalidValueError: there is something in it.
        StorageError: it cannot be made.
    """
    files.make_folder(folder)
    with files.reading(folder):
        if any(folder.iterdir()):
            raise InvalidValueError(f"{printable(str(folder))} is not empty.", "Name a folder that is not there yet.")


def finish(folder: Path, names: Sequence[str]) -> None:
    """Write the sums, without which nobody takes the folder for a bundle; so they come last.

    Raises:
        StorageError: they cannot be written, or a file cannot be read.
    """
    files.replace(folder / SUMS, spelled({name: digest_of(folder / name) for name in names}))


def artifacts(folder: Path) -> list[Path]:
    """The artifacts of a bundle, after every file in it was compared with its sum.

    Raises:
        CorruptArtifactError: a file is missing, changed or not in the sums, or the sums are not as they should be.
        StorageError: something cannot be read.
    """
    shown = printable(str(folder))
    with files.reading(folder / SUMS), open(folder / SUMS, "rb") as file:
        sums = parsed(file.read(MAX_SUMS + 1), shown)
    with files.reading(folder):
        there = {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {SUMS, PAGE}
    if strange := sorted(there ^ sums.keys()):
        raise damaged(shown, f"{printable(strange[0][:120])} is not both in it and in its {SUMS}")
    for name, digest in sums.items():
        if not (folder / name).is_file() or digest_of(folder / name) != digest:
            raise damaged(shown, f"{name} is not what {SUMS} says")
    return [folder / name for name in sums if name.endswith(ARTIFACT_SUFFIX)]


def parsed(data: bytes, shown: str) -> dict[str, str]:
    """The sums that a file of them holds.

    Args:
        data: the file.
        shown: where it is from, for the error.

    Raises:
        CorruptArtifactError: it is too large, or not as attrbank writes it, or tells of one file twice.
    """
    lines = data.decode("ascii", "replace").splitlines() if len(data) <= MAX_SUMS else [""]
    found = [_LINE.fullmatch(line) for line in lines]
    sums = {match["file"]: match["digest"] for match in found if match}
    if len(sums) != len(lines):
        raise damaged(shown, f"its {SUMS} is not as attrbank writes it")
    return sums


def spelled(sums: Sums) -> bytes:
    """Sums as a file."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()


def digest_of(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        StorageError: it cannot be read.
    """
    with files.reading(path), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged(shown: str, reason: str) -> CorruptArtifactError:
    """The error for a bundle that is not as it should be."""
    return CorruptArtifactError(f"{shown} is damaged: {reason}.", "Get it again; nothing was imported.")
