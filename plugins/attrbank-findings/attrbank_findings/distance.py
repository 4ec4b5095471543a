"""Figure 5: how far the leading singular subspaces move on the way from noise to picture."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from attrbank.plugin import Estimate, InvalidValueError, OnProgress, factorise, mean
from attrbank_findings.finding import Figures, Inspection, Model
from attrbank_findings.paths import WAYS, Way, ways
from attrbank_findings.scene import Scene
from attrbank_findings.spectrum import geodesic_distance, leading_subspaces

COLUMNS = ("WAY", "T", "TO NEXT", "TO LAST")
P = 4
"""As the paper has it."""
SHOWN = 6
"""Timesteps a way has in the table."""


class WayDistances(Model):
    """Geodesic distances along one way, averaged over channels and over left and right subspaces.

    Attributes:
        to_next: from each timestep to the next, with the interval over samples.
        to_last: from each timestep to the clean end.
    """

    way: Way
    to_next: tuple[Estimate, ...]
    to_last: tuple[Estimate, ...]


class DistanceFigures(Figures):
    """Of all ways.

    Attributes:
        p: how many vectors span a subspace; distances go from 0 to √p · π/2.
        timesteps: noisiest first.
    """

    p: int
    timesteps: tuple[int, ...]
    ways: tuple[WayDistances, ...]


def inspect(scene: Scene, p: int, on_progress: OnProgress) -> Inspection:
    """Measure the distances and draw them.

    Raises:
        InvalidValueError: latents have no p singular vectors.
    """
    largest = min(scene.bench.backbone.latent_shape[-2:])
    if not 1 <= p <= largest:
        raise InvalidValueError(f"These latents have from 1 to {largest} singular vectors, not {p}.")
    paths = ways(scene.bench, on_progress)
    figures = DistanceFigures(
        setting=scene.setting,
        p=p,
        timesteps=scene.timesteps,
        ways=tuple(_measured(way, *distances(paths[way], p)) for way in WAYS),
    )
    return Inspection(figures, COLUMNS, _rows(figures), partial(_pictures, figures))


def distances(path: Tensor, p: int) -> tuple[Tensor, Tensor]:
    """To the next latent and to the last, of every latent but the last.

    Shapes:
        path: (T+1, B, C, H, W).
        returns: twice (T, B).
    """
    spans = [leading_subspaces(factorise(latent), p) for latent in path]
    to_next = [_apart(here, there) for here, there in pairwise(spans)]
    to_last = [_apart(here, spans[-1]) for here in spans[:-1]]
    return torch.stack(to_next), torch.stack(to_last)


def _apart(here: tuple[Tensor, Tensor], there: tuple[Tensor, Tensor]) -> Tensor:
    sides = [geodesic_distance(a, b) for a, b in zip(here, there, strict=True)]  # left and right, (B, C)
    return torch.stack(sides).mean((0, 2))


def _measured(way: Way, to_next: Tensor, to_last: Tensor) -> WayDistances:
    next_, last = (tuple(mean(row.numpy()) for row in found) for found in (to_next, to_last))
    return WayDistances(way=way, to_next=next_, to_last=last)


def _rows(figures: DistanceFigures) -> list[tuple[str, ...]]:
    last = len(figures.timesteps) - 1
    shown = sorted({round(last * part / (SHOWN - 1)) for part in range(SHOWN)})
    return [
        (found.way, str(figures.timesteps[i]), _told(found.to_next[i]), _told(found.to_last[i]))
        for found in figures.ways
        for i in shown
    ]


def _told(found: Estimate) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _pictures(figures: DistanceFigures) -> dict[str, bytes]:
    from attrbank_findings.plots import curves

    panels = {
        "to the next timestep": {found.way: found.to_next for found in figures.ways},
        "to the clean latent": {found.way: found.to_last for found in figures.ways},
    }
    return {"distance": curves(panels, figures.timesteps, f"geodesic distance, p = {figures.p}")}
