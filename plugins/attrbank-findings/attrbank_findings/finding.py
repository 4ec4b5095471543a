"""What an inspection gives: figures for programs, a table for the terminal, pictures for the eye."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict

from attrbank.plugin import files


class Model(BaseModel):
    """Whatever an inspection puts into its JSON."""

    model_config = ConfigDict(frozen=True)


class Setting(Model):
    """Where it was found.

    Attributes:
        seeds: of the pictures, such as "10000-10029".
        steps: of the sampler's grid.
        oracle: who read the pictures; None if no oracle knows them.
    """

    backbone: str
    fingerprint: str
    prompt: str
    seeds: str
    sampler: str
    steps: int
    guidance_scale: float
    oracle: str | None


class Figures(Model):
    """An inspection's JSON; every kind adds its own."""

    setting: Setting


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes:
        figures: all of it.
        columns, rows: the gist as a table.
        pictures: draws it, as PNG by name.
    """

    figures: Figures
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    pictures: Callable[[], dict[str, bytes]]

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write ``NAME.json`` and the pictures, each whole or not at all.

        Raises:
            StorageError: the folder cannot be written.
        """
        contents = {f"{name}.json": (self.figures.model_dump_json(indent=1) + "\n").encode()}
        contents |= {f"{picture}.png": data for picture, data in self.pictures().items()}
        files.make_folder(folder)
        for file, data in contents.items():
            files.replace(folder / file, data)
        return [folder / file for file in contents]


def png(image: Image.Image) -> bytes:
    """A picture as the bytes of a file."""
    encoded = io.BytesIO()
    image.save(encoded, format="PNG", optimize=True)
    return encoded.getvalue()
