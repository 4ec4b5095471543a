"""Where a figure's mood shows: what would change if it had another one, from the designers' own drawings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from attrbank_avatars.truth import values_of
from numpy.typing import NDArray

from attrbank import files
from lab.avatars import cutouts as drawing
from lab.avatars.cutouts import SIZE, Cutouts
from lab.avatars.figures import Figure
from lab.avatars.painting import Bank
from lab.avatars.scenes import Scene, paint_mask

CELL, VISIBLE = 4, 24
"""Pixels of a latent's side, and by how much one of 255 must change to count."""


def other_mood(figure: Figure) -> Figure:
    """The same person in the next mood that the style has, in turn."""
    moods = values_of(figure.style, "mood")
    return figure.with_trait("mood", moods[(moods.index(figure.traits["mood"]) + 1) % len(moods)])


@lru_cache(maxsize=2)
def faces_of(bank: Bank) -> NDArray[np.bool_]:
    """Where another mood changes the figures of a bank, (N, SIZE, SIZE), from disk if it was found out before."""
    path, known = bank.folder / f"faces-{bank.seed}-{bank.size}.npz", bank.load()
    if not path.exists():
        packed = io.BytesIO()
        np.savez_compressed(packed, faces=np.packbits(_changed(known), axis=None))
        files.replace(path, packed.getvalue())
    with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as stored:
        return np.unpackbits(stored["faces"]).reshape(len(known), SIZE, SIZE).astype(bool)


def _changed(known: Cutouts) -> NDArray[np.bool_]:
    changed = np.zeros((len(known), SIZE, SIZE), bool)
    for start in range(0, len(known), drawing.BATCH):
        rows = slice(start, start + drawing.BATCH)
        others = drawing.draw([other_mood(figure) for figure in known.figures[rows]]).pictures
        changed[rows] = np.abs(others.astype(np.int16) - known.pictures[rows]).max(-1) > VISIBLE
    return changed


def cells_of(scenes: Sequence[Scene], faces: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """1 in each place of a latent in which a mood would change a scene, else 0; (len(scenes), 32, 32)."""
    side = SIZE // CELL
    painted = np.stack([paint_mask(scene, faces) for scene in scenes]).reshape(-1, side, CELL, side, CELL)
    seen: NDArray[np.uint8] = (painted.max(axis=(2, 4)) > 127).astype(np.uint8)
    return seen
