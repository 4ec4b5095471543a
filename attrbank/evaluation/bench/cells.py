"""What was measured so far, one line a cell, so that an evaluation that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from attrbank import files
from attrbank.errors import InvalidValueError, StorageError
from attrbank.evaluation.numbers.results import Learning
from attrbank.schema.measured import Protocol
from attrbank.text import printable

FILE = "cells.jsonl"
UNEDITED = "unedited"

Key = tuple[str, str, float]


class Cell(BaseModel):
    """One attribute, one competitor, one strength.

    Attributes:
        attribute: the artifact's id.
        competitor: its name, or ``unedited``.
        values: by figure, one a picture.
        distances: of all pictures together.
        evaluations, seconds: of one picture.
        strip: the first pictures, as a data URI.
        learning: what it took to learn the competitor, if it was learned for this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str
    competitor: str
    strength: float
    values: dict[str, tuple[float, ...]]
    distances: dict[str, float]
    evaluations: float
    seconds: float
    strip: str
    learning: Learning | None = None

    @property
    def key(self) -> Key:
        """What no other cell of the evaluation has."""
        return self.attribute, self.competitor, self.strength

    def array(self, figure: str) -> NDArray[np.float64]:
        """The figure's values, (N,)."""
        return np.asarray(self.values[figure], dtype=float)


class CellStore:
    """The cells of one evaluation, in memory and, if there is a folder, on disk after each.

    Args:
        folder: where ``cells.jsonl`` is; created if need be. None keeps nothing.
        protocol: how they are measured.

    Raises:
        InvalidValueError: the folder holds another evaluation.
        StorageError: it cannot be read or written.
    """

    def __init__(self, folder: Path | None, protocol: Protocol) -> None:
        self._path = None if folder is None else folder / FILE
        self._header = json.dumps({"protocol": protocol.hash})
        self._cells: dict[Key, Cell] = {}
        self._lines = [self._header]
        if self._path is not None:
            files.make_folder(self._path.parent)
            for cell in self._read(self._path):
                self._take(cell)
            self._save()

    def __contains__(self, key: Key) -> bool:
        return key in self._cells

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells.values())

    def __getitem__(self, key: Key) -> Cell:
        return self._cells[key]

    def add(self, cell: Cell) -> None:
        """Keep a cell; when this returns, it is on the disk."""
        self._take(cell)
        self._save()

    def sweep(self, attribute: str, competitor: str) -> list[Cell]:
        """The cells of one curve, from weak to strong."""
        found = [c for c in self if (c.attribute, c.competitor) == (attribute, competitor)]
        return sorted(found, key=lambda cell: cell.strength)

    def _read(self, path: Path) -> Iterator[Cell]:
        try:
            header, *lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise _unusable(path) from error
        if header != self._header:
            raise InvalidValueError(
                f"{printable(str(path.parent))} holds an evaluation that was made in another way.",
                hint="Choose another --out, or the seeds, prompt and backbone of before.",
            )
        try:
            yield from map(Cell.model_validate_json, lines)
        except ValidationError as error:
            raise _unusable(path) from error

    def _take(self, cell: Cell) -> None:
        self._cells[cell.key] = cell
        self._lines.append(cell.model_dump_json())

    def _save(self) -> None:
        if self._path is not None:
            files.replace(self._path, "".join(f"{line}\n" for line in self._lines).encode())


def _unusable(path: Path) -> StorageError:
    return StorageError(f"{printable(str(path))} cannot be read.", hint="Remove it, or choose another --out.")
