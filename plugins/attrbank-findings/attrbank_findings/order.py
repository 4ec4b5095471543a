"""Section 4.2, order mobility: which place in the order a singular pair takes from one timestep to the next."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from attrbank.plugin import OnProgress, factorise
from attrbank_findings.finding import Figures, Inspection, Model
from attrbank_findings.paths import WAYS, Way, ways
from attrbank_findings.scene import Scene
from attrbank_findings.spectrum import best_matches

COLUMNS = ("WAY", "T", "VECTORS", "KEPT", "SHIFT", "COSINE")
LEADING, THIRDS = 4, 3

Grid = tuple[tuple[float, ...], ...]
"""One row a timestep, one column a rank."""


class WayOrder(Model):
    """What becomes of each singular pair at the next timestep, averaged over samples and channels.

    Attributes:
        kept: share whose best match has the same rank.
        shift: mean number of ranks to the best match.
        cosine: mean likeness to the best match.
    """

    way: Way
    kept: Grid
    shift: Grid
    cosine: Grid


class OrderFigures(Figures):
    """Of all ways.

    Attributes:
        timesteps: noisiest first; a row is about the step that begins there.
    """

    timesteps: tuple[int, ...]
    ways: tuple[WayOrder, ...]


def inspect(scene: Scene, on_progress: OnProgress) -> Inspection:
    """Follow every pair from step to step, and draw where it goes."""
    paths = ways(scene.bench, on_progress)
    followed = tuple(_followed(way, paths[way]) for way in WAYS)
    figures = OrderFigures(setting=scene.setting, timesteps=scene.timesteps, ways=followed)
    return Inspection(figures, COLUMNS, _rows(figures), partial(_pictures, figures))


def mobility(path: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Share kept, ranks moved and likeness, averaged over samples and channels.

    Shapes:
        path: (T+1, B, C, H, W).
        returns: three times (T, r).
    """
    steps = []
    for before, after in pairwise(map(factorise, path)):
        matches = best_matches(before, after)  # (B, C, r)
        moved = (matches.rank - torch.arange(matches.rank.shape[-1])).abs().double()
        steps.append(torch.stack([(moved == 0).double(), moved, matches.cosine.double()]).mean((1, 2)))
    kept, shift, cosine = torch.stack(steps, dim=1)
    return kept, shift, cosine


def _followed(way: Way, path: Tensor) -> WayOrder:
    kept, shift, cosine = (_grid(found) for found in mobility(path))
    return WayOrder(way=way, kept=kept, shift=shift, cosine=cosine)


def _grid(found: Tensor) -> Grid:
    return tuple(tuple(round(value, 4) for value in row) for row in found.tolist())


def _rows(figures: OrderFigures) -> list[tuple[str, ...]]:
    """Each third of the way, for the leading vectors and for all."""
    thirds = torch.arange(len(figures.timesteps)).tensor_split(THIRDS)
    return [
        (found.way, _span(figures.timesteps, third), name, *_averages(found, third, count))
        for found in figures.ways
        for third in thirds
        if len(third)
        for name, count in ((f"1-{LEADING}", LEADING), ("all", None))
    ]


def _span(timesteps: tuple[int, ...], third: Tensor) -> str:
    return f"{timesteps[third[0]]}-{timesteps[third[-1]]}"


def _averages(found: WayOrder, third: Tensor, count: int | None) -> list[str]:
    grids = (found.kept, found.shift, found.cosine)
    return [f"{torch.tensor(grid)[third, :count].mean():.3f}" for grid in grids]


def _pictures(figures: OrderFigures) -> dict[str, bytes]:
    from attrbank_findings.plots import heat_maps

    rows = {
        "ranks moved": [found.shift for found in figures.ways],
        "|cos| to the best match": [found.cosine for found in figures.ways],
    }
    return {"order": heat_maps(rows, [found.way for found in figures.ways], figures.timesteps)}
