"""Pictures in large numbers: painted by as many processes as there are cores, kept as bytes where they are used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lab.avatars.cutouts import Cutouts, draw_bank
from lab.avatars.scenes import Scene, draw_scenes, paint_all
from lab.pool import spread

PART, FEW = 500, 2000
"""Scenes of one job, and how many are not worth the start of processes."""


class Bank(NamedTuple):
    """Where figures are on disk; sent to other processes in the place of their pictures.

    Attributes:
        folder: the cutouts'.
        size: how many figures.
        seed: what they were drawn with.
        independent: whether their traits are.
    """

    folder: Path
    size: int
    seed: int
    independent: bool = False

    def load(self) -> Cutouts:
        """The figures, read once in each process."""
        return _load(self)


@lru_cache(maxsize=2)
def _load(bank: Bank) -> Cutouts:
    return draw_bank(bank.folder, bank.size, bank.seed, bank.independent)


class Part(NamedTuple):
    """A job: some of the scenes of a bank.

    Attributes:
        bank: the figures.
        size: how many scenes.
        seed: decides which.
    """

    bank: Bank
    size: int
    seed: int

    def scenes(self) -> list[Scene]:
        """What is to be painted."""
        return draw_scenes(self.bank.load(), self.size, self.seed)


def parts(bank: Bank, count: int, seed: int) -> list[Part]:
    """``count`` scenes as jobs; more of them begin with the same ones."""
    return [Part(bank, min(PART, count - start), seed + start // PART) for start in range(0, count, PART)]


def workers_for(count: int) -> int | None:
    """How many processes for so many scenes, in the words of ``pool.spread``."""
    return 0 if count < FEW else None


def paint_part(part: Part) -> NDArray[np.uint8]:
    """One job's pictures, (count, 3, SIZE, SIZE)."""
    painted: NDArray[np.uint8] = paint_all(part.scenes(), part.bank.load()).numpy()
    return painted


def paint(bank: Bank, count: int, seed: int, device: torch.device) -> Tensor:
    """``count`` scenes on a device, (count, 3, SIZE, SIZE), uint8."""
    done: Iterator[NDArray[np.uint8]] = spread(paint_part, parts(bank, count, seed), workers_for(count))
    return torch.cat([torch.from_numpy(part).to(device) for part in done])


def scenes(bank: Bank, count: int, seed: int) -> list[Scene]:
    """The scenes that ``paint`` paints."""
    return [scene for part in parts(bank, count, seed) for scene in part.scenes()]
