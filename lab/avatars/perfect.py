"""Draw the perfect edits that the package keeps: ``python -m lab.avatars.perfect``; needs node.

They are of figures that nothing has learned from, before and after what a goal promises, and nothing else, has changed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from attrbank_avatars.goals import GOALS, Goal
from attrbank_avatars.perfect import PATH, Numbered, store
from numpy.typing import NDArray

from lab.avatars import cutouts as drawing
from lab.avatars.cutouts import Cutouts
from lab.avatars.figures import Figure, draw_figure
from lab.avatars.scenes import Scene, draw_scene, paint_all
from lab.avatars.styles import STYLES

SEED = 20_000


def main(
    out: Annotated[Path, typer.Argument(help="The .npz.xz to write.")] = PATH,
    scenes: Annotated[int, typer.Option(help="Different scenes; each goal takes those that lack it.")] = 72,
) -> None:
    """Draw scenes, and each of them once more for every goal that it lacks."""
    rng = random.Random(SEED)  # noqa: S311 — pictures, not secrets
    figures = [draw_figure(style, rng) for style in _in_turn(scenes)]
    placed = [draw_scene({figure.style: [number]}, rng, pairs=0.0) for number, figure in enumerate(figures)]
    edited = {goal: _edited(figures, placed, GOALS[goal]) for goal in GOALS}
    store(out, _painted(placed, drawing.draw(figures)), edited)
    told = ", ".join(f"{goal} {len(rows)}" for goal, (rows, _) in edited.items())
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.2f} MB; {told}")


def _in_turn(count: int) -> list[str]:
    return [list(STYLES)[number % len(STYLES)] for number in range(count)]


def perfect(figure: Figure, goal: Goal) -> Figure | None:
    """The figure with what the goal promises; None where it has that, or cannot, or where nobody would see it."""
    if not goal.possible_in(figure.style):
        return None
    after = figure
    for name, value in goal.edit.items():
        after = after.with_trait(name, value)
    had, has = figure.seen().get(goal.trait), after.seen().get(goal.trait)
    return after if had is not None and had not in goal.values and has in goal.values else None


def _edited(figures: Sequence[Figure], scenes: Sequence[Scene], goal: Goal) -> Numbered:
    found = {row: after for row, figure in enumerate(figures) if (after := perfect(figure, goal)) is not None}
    moved = [
        replace(scenes[row], places=(replace(scenes[row].places[0], figure=number),))
        for number, row in enumerate(found)
    ]
    return np.array(list(found)), _painted(moved, drawing.draw(list(found.values())))


def _painted(scenes: Sequence[Scene], cutouts: Cutouts) -> NDArray[np.uint8]:
    """Scenes as (N, 128, 128, 3)."""
    painted: NDArray[np.uint8] = paint_all(scenes, cutouts).permute(0, 2, 3, 1).numpy()
    return painted


if __name__ == "__main__":
    typer.run(main)
