"""Figures 2 to 4: one singular value of every channel scaled, at several times, and the pictures that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from attrbank.plugin import (
    Act,
    Edit,
    EditInputs,
    InvalidValueError,
    OnProgress,
    add_edit,
    draw_grid,
    factorise,
    reconstruct,
)
from attrbank_findings.finding import Figures, Inspection, Model, png
from attrbank_findings.scene import Scene
from attrbank_findings.spectrum import singular_part
from attrbank_findings.unedited import Readings, Unedited, largest_move, told

COLUMNS = ("T", "VECTOR", "FACTOR", "EDIT", "CHANGE", "DISTANCE", "FLIPS", "MOVES")
SHOWN = ("change", "perceptual", "flips")

VECTORS, FACTORS, TIMES = (1, 2, 8), (0.0, 0.5, 2.0), (0.9, 0.6, 0.3)
"""What is scaled if nobody says."""


@dataclass(frozen=True)
class ScaledVector:
    """Multiplies one singular value of every channel by 1 + strength.

    Attributes:
        rank: whose, 0 being the strongest.
    """

    rank: int

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Scale."""
        return add_edit(x, strength * singular_part(factorise(x), self.rank))


@dataclass(frozen=True)
class RandomVector:
    """The control: as large a step in every channel, along vectors that each picture draws for itself.

    Attributes:
        rank: the singular value that gives the size.
    """

    rank: int

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add strength · s · u ⊗ v with random u and v."""
        s, generator = factorise(x).s[..., self.rank, None], torch.Generator().manual_seed(0)
        u = functional.normalize(torch.randn((*x.shape[:-1], 1), generator=generator), dim=-2)
        vh = functional.normalize(torch.randn((*x.shape[:-2], 1, x.shape[-1]), generator=generator), dim=-1)
        return add_edit(x, strength * reconstruct(u, s, vh))


class Sweep(NamedTuple):
    """What is scaled.

    Attributes:
        vectors: ranks, 1 being the strongest.
        factors: of the singular value; 1 is the unedited picture and need not be given.
        times: where, as fractions of T.
    """

    vectors: Sequence[int]
    factors: Sequence[float]
    times: Sequence[float]


class Scaling(Model):
    """One vector, scaled once.

    Attributes:
        timestep: where.
        vector: its rank, 1 being the strongest.
        factor: by what its value was multiplied.
        scaled: what that did.
        random: what the control did.
    """

    timestep: int
    vector: int
    factor: float
    scaled: Readings
    random: Readings


class SweepFigures(Figures):
    """Every point."""

    points: tuple[Scaling, ...]


class _Tile(NamedTuple):
    """Where the first picture of a point belongs."""

    control: bool
    vector: int
    time: float
    factor: float


def inspect(scene: Scene, sweep: Sweep, on_progress: OnProgress) -> Inspection:
    """Scale every vector by every factor at every time, and the control with it.

    Raises:
        InvalidValueError: the latents have no such vector, or there is no such time.
    """
    _require_possible(scene, sweep)
    unedited, points, tiles = Unedited.of(scene), [], dict[_Tile, Tensor]()
    every = list(product(sweep.vectors, sweep.times, sweep.factors))
    for done, (vector, time, factor) in enumerate(every):
        on_progress("scaling", done, len(every))
        index = scene.bench.index_of(time)
        readings = []
        edits: tuple[tuple[bool, Edit], ...] = (False, ScaledVector(vector - 1)), (True, RandomVector(vector - 1))
        for control, edit in edits:
            images = scene.bench.images(scene.bench.edited([Act(index, edit, factor - 1)]))
            readings.append(unedited.compared(images))
            tiles[_Tile(control, vector, time, factor)] = images[0]
        scaled, random = readings
        points.append(
            Scaling(timestep=scene.timesteps[index], vector=vector, factor=factor, scaled=scaled, random=random)
        )
    figures = SweepFigures(setting=scene.setting, points=tuple(points))
    rows = [row for point in points for row in _rows(point)]
    return Inspection(figures, COLUMNS, rows, partial(_pictures, sweep, unedited.images[0], tiles))


def _require_possible(scene: Scene, sweep: Sweep) -> None:
    largest = min(scene.bench.backbone.latent_shape[-2:])
    if strays := [vector for vector in sweep.vectors if not 1 <= vector <= largest]:
        raise InvalidValueError(f"These latents have singular vectors 1 to {largest}, but no vector {strays[0]}.")
    if impossible := [time for time in sweep.times if not 0 < time <= 1]:
        raise InvalidValueError(f"{impossible[0]:g} is no share of T.", hint="Shares lie between 0 and 1.")


def _rows(point: Scaling) -> list[tuple[str, ...]]:
    where = str(point.timestep), str(point.vector), f"{point.factor:g}"
    edits = {"scaled": point.scaled, "random": point.random}
    return [(*where, name, *told(found, SHOWN), largest_move(found)) for name, found in edits.items()]


def _pictures(sweep: Sweep, before: Tensor, tiles: Mapping[_Tile, Tensor]) -> dict[str, bytes]:
    """For each vector the first picture, time downwards and the factor to the right, beside its control."""
    factors = sorted({*sweep.factors, 1.0})
    captions = [f"{name}x {factor:g}" for name in ("", "random ") for factor in factors]
    return {
        f"sweep-{vector}": png(
            draw_grid(
                captions,
                [
                    torch.stack([tiles.get(_Tile(control, vector, time, factor), before) for time in sweep.times])
                    for control in (False, True)
                    for factor in factors
                ],
                gaps={len(factors)},
                labels=[f"{time:g} T" for time in sweep.times],
            )
        )
        for vector in sweep.vectors
    }
