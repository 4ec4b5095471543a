"""Figures as pictures with transparency: drawn by the designers' packages in node, kept as one array on disk."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.avatars.figures import Figure, draw_figure
from lab.avatars.styles import STYLES

SIZE, BATCH = 128, 200
DRAW = Path(__file__).parent / "draw"


@dataclass(frozen=True)
class Cutouts:
    """Figures and their pictures.

    Shapes:
        pictures: (N, SIZE, SIZE, 4), uint8, RGB premultiplied with alpha.
    """

    figures: Sequence[Figure]
    pictures: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.figures)


def draw(figures: Sequence[Figure]) -> Cutouts:
    """Draw figures, about 10 ms each.

    Raises:
        FileNotFoundError: node is not installed.
        subprocess.CalledProcessError: the packages are not (``npm ci`` in ``lab/avatars/draw``).
    """
    jobs = [{"style": STYLES[figure.style].package, "options": figure.options()} for figure in figures]
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "jobs.json", Path(folder) / "pictures.raw"
        asked.write_text(json.dumps(jobs))
        command = ["node", "draw.mjs", str(asked), str(answered), str(SIZE)]
        subprocess.run(command, cwd=DRAW, check=True)  # noqa: S603 — our own program
        pixels = np.frombuffer(answered.read_bytes(), np.uint8)
    return Cutouts(list(figures), pixels.reshape(-1, SIZE, SIZE, 4))


def draw_bank(folder: Path, count: int, seed: int, independent: bool = False) -> Cutouts:
    """``count`` different figures as ``draw_figure`` draws them, the styles in turn, from disk if they are there.

    Raises:
        ValueError: what is on disk was drawn with other options.
    """
    rng = random.Random(seed)  # noqa: S311 — pictures, not secrets
    styles, name = list(STYLES), f"{seed}-{count}{'-independent' if independent else ''}"
    figures = [draw_figure(styles[i % len(styles)], rng, independent) for i in range(count)]
    return draw_cached(folder, name, figures)


def draw_cached(folder: Path, name: str, figures: Sequence[Figure]) -> Cutouts:
    """Figures from disk if they were drawn before under that name, else drawn and written there.

    The list of figures and options is written last, so that pictures with one are whole.

    Raises:
        ValueError: what is on disk was drawn with other options.
    """
    listed, drawn = folder / f"figures-{name}.json", folder / f"pictures-{name}.npz"
    asked = [{**figure.as_json(), "options": figure.options()} for figure in figures]
    if not listed.exists():
        folder.mkdir(parents=True, exist_ok=True)
        parts = [draw(figures[i : i + BATCH]).pictures for i in range(0, len(figures), BATCH)]
        np.savez_compressed(drawn, pictures=np.concatenate(parts))  # a twentieth of the size
        listed.write_text(json.dumps(asked))
    if json.loads(listed.read_text()) != asked:
        raise ValueError(f"{listed} lists other figures or options than this code draws; remove it to draw anew.")
    with drawn.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as stored:
        return Cutouts(list(figures), stored["pictures"])
