"""From cells to figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from attrbank.evaluation.bench.cells import UNEDITED, Cell, CellStore
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.numbers import curves
from attrbank.evaluation.numbers.estimates import mean, share
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Point

SHARES = frozenset({"success", "damage"})
"""Figures that are so or not so in each picture."""


def attribute_figures(
    subject: Subject,
    competitors: Sequence[str],
    store: CellStore,
    limit: Mapping[str, float],
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> AttributeFigures:
    """What the cells say about one attribute; competitors without a cell have no curve.

    Args:
        subject: the attribute.
        competitors: by name.
        store: of the cells.
        limit: the figures of a perfect edit.
        left_out: why competitors have no cells.
    """
    (unedited,) = store.sweep(subject.id, UNEDITED)
    sweeps = {name: store.sweep(subject.id, name) for name in competitors}
    return AttributeFigures(
        name=subject.label,
        id=subject.id,
        target=subject.target,
        size_bytes=subject.size_bytes,
        pictures=len(unedited.values["effect"]),
        limit=dict(limit),
        unedited=unedited.distances | _damage(unedited),
        curves=tuple(_curve(name, unedited, sweep, limit) for name, sweep in sweeps.items() if sweep),
        left_out=dict(left_out),
    )


def _damage(cell: Cell) -> dict[str, float]:
    return {"damage": float(cell.array("damage").mean())} if "damage" in cell.values else {}


def _curve(competitor: str, unedited: Cell, sweep: Sequence[Cell], limit: Mapping[str, float]) -> Curve:
    strengths = [cell.strength for cell in sweep]
    values = {name: np.stack([cell.array(name) for cell in sweep]) for name in sweep[0].values}
    averages = {name: found.mean(1).tolist() for name, found in values.items()}
    # Strengths below zero ask for the opposite, which is no part of the way from the unedited picture to the edit.
    forward = [(s, e) for s, e in zip(strengths, averages["effect"], strict=True) if s > 0]
    started = [(0.0, float(unedited.array("effect").mean())), *forward]
    return Curve(
        competitor=competitor,
        points=tuple(_point(cell) for cell in sweep),
        matched=curves.matched(strengths, values, limit),
        monotonicity=curves.monotonicity([e for _, e in started]),
        smoothness=curves.smoothness(*zip(*started, strict=True)),
        usable=curves.usable(
            strengths, averages["success"], averages["effect"], averages.get("perceptual"), limit.get("perceptual")
        ),
        learning=next((cell.learning for cell in sweep if cell.learning), None),
    )


def _point(cell: Cell) -> Point:
    return Point(
        strength=cell.strength,
        figures={
            name: share(cell.array(name) > 0.5) if name in SHARES else mean(cell.array(name)) for name in cell.values
        },
        distances=cell.distances,
        unet_evaluations=cell.evaluations,
        seconds=cell.seconds,
    )
