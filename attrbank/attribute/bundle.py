"""Several attributes as one folder, with ``SHA256SUMS`` of every file in it, as ``sha256sum -c`` reads them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from attrbank import files
from attrbank.errors import CorruptArtifactError, InvalidValueError
from attrbank.store.layout import ARTIFACT_SUFFIX
from attrbank.text import printable

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  ([a-z0-9][a-zA-Z0-9._-]{0,199})")
_MAX_SUMS = 2**24


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
    lines = [f"{_digest(folder / name)}  {name}\n" for name in sorted(names)]
    files.replace(folder / SUMS, "".join(lines).encode())


def artifacts(folder: Path) -> list[Path]:
    """The artifacts of a bundle, after every file in it was compared with its sum.

    Raises:
        CorruptArtifactError: a file is missing, changed or not in the sums, or the sums are not as they should be.
        StorageError: something cannot be read.
    """
    sums = _sums(folder)
    with files.reading(folder):
        there = {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {SUMS}
    if strange := sorted(there ^ sums.keys()):
        raise _damaged(folder, f"{printable(strange[0][:120])} is not both in it and in its {SUMS}")
    for name, digest in sums.items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise _damaged(folder, f"{name} is not what {SUMS} says")
    return [folder / name for name in sums if name.endswith(ARTIFACT_SUFFIX)]


def _sums(folder: Path) -> dict[str, str]:
    with files.reading(folder / SUMS), open(folder / SUMS, "rb") as file:
        lines = file.read(_MAX_SUMS).decode("ascii", "replace").splitlines()
    found = [_LINE.fullmatch(line) for line in lines]
    sums = {match[2]: match[1] for match in found if match}
    if len(sums) != len(lines):
        raise _damaged(folder, f"its {SUMS} is not as attrbank writes it")
    return sums


def _digest(path: Path) -> str:
    with files.reading(path), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(folder: Path, reason: str) -> CorruptArtifactError:
    return CorruptArtifactError(
        f"{printable(str(folder))} is damaged: {reason}.", "Get it again; nothing was imported."
    )
