"""What an ``apply`` costs, counted in denoising steps before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrbank.diffusion.protocols import Grid
from attrbank.diffusion.schedule import Schedule, nearest_index

if TYPE_CHECKING:
    from attrbank.editing.plan import PlannedStep


def denoising_steps(
    steps: Sequence[PlannedStep], grid: Grid, schedule: Schedule, *, needs_before: bool, refinements: int | None
) -> int:
    """Steps of both pictures, which share what lies before the first edit, and of what the edits ask for.

    Args:
        steps: in the order in which they act.
        grid: of the run.
        schedule: of the backbone.
        needs_before: whether the unedited picture is finished.
        refinements: of the inversion, if a picture is edited: its latent replaces the way to the first edit.
    """
    first, elsewhere = steps[0].index, _elsewhere(steps, grid, schedule)
    before = len(grid) if needs_before else max(_last_needed(steps), first)
    shared = 0 if refinements is None else -first + _inverted(len(grid), first, elsewhere) * (1 + refinements)
    return shared + before + (len(grid) - first) + elsewhere


def _inverted(end: int, first: int, elsewhere: int) -> int:
    """Steps that are undone: to the first edit, or to the noise if an edit runs that under another prompt."""
    return end if elsewhere else end - first


def _elsewhere(steps: Sequence[PlannedStep], grid: Grid, schedule: Schedule) -> int:
    """Steps of other runs, from the picture's noise."""
    return sum(
        step.method.evaluations(
            step.record,
            step.core,
            nearest_index(grid, schedule, max(0.0, step.record.t_x + step.record.delta_tau)),
        )
        for step in steps
    )


def _last_needed(steps: Sequence[PlannedStep]) -> int:
    """How far the unedited picture must go for the edits' sake: Φ looks at it one step beyond."""
    return max((step.index + 1 for step in steps if _asks_phi(step)), default=0)


def _asks_phi(step: PlannedStep) -> bool:
    """The convolutional Φ knows what to add, and is not asked what to take away."""
    return step.core == "mlp" or (step.core == "conv" and step.strength >= 0)
