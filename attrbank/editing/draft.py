"""A look ahead: the same picture in fewer steps after its edits, for somebody who moves a slider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Grid
from attrbank.diffusion.schedule import Schedule, indices_of
from attrbank.editing.composition import Act, LazyInputs
from attrbank.editing.plan import Plan
from attrbank.editing.turns import Turn
from attrbank.methods.inputs import EditInputs
from attrbank.methods.protocol import LASTING, Edit, LeadingEdit

STEPS = 2
"""From the last edit to the picture, where each acts once."""
TOGETHER = 0.7
"""Acts that a draft takes at once, without the network in between, count as this power of their number: each would have
found less to do than the one before it. Of an edit that leads somewhere one is as good as several."""


def drafted(planned: Plan, steps: int = STEPS) -> Plan:
    """The plan, its grid as it is up to where it becomes coarse, so that what is remembered of it serves.

    That is the last edit, or the first one where some act at several times: those acts share two steps.

    Args:
        planned: of a picture whose unedited one nobody needs.
        steps: from the last edit on, at least one.
    """
    first, last, end = planned.first, max(turn.indices[-1] for turn in planned.turns), len(planned.grid)
    kept = [last + round(step * (end - last) / steps) for step in range(steps)]
    if any(len(turn.indices) > 1 for turn in planned.turns):
        kept = sorted({first, first + (last - first + 1) // 3, last, *(kept if last < first + 3 else ())})
    planned = replace(planned, only_after=True)
    if end - kept[0] <= len(kept) or any(t == t_prev for t, t_prev in planned.grid[kept[0] :]):
        return planned  # it is short already, or has steps of two stages, of which none can be left out
    times = [planned.grid[index][0] for index in kept]
    grid = (*planned.grid[: kept[0]], *pairwise([*times, planned.grid[-1][1]]))
    turns = tuple(_on(grid, turn, planned.backbone.schedule, first + 1) for turn in planned.turns)
    return replace(planned, grid=grid, turns=turns)


def _on(grid: Grid, turn: Turn, schedule: Schedule, latest: int) -> Turn:
    """A turn on the coarse grid; what acts at several times is done by a step, unless it begins later."""
    indices = indices_of(turn.method.times(turn.record, turn.core), grid, schedule)
    return replace(turn, indices=tuple(min(index, max(latest, indices[0])) for index in indices))


def hastened(act: Act) -> Act:
    """An act at several times, of which those that share a step are taken at once."""
    indices = (act.index, *act.later)
    if len(indices) == 1 or isinstance(act.edit, LASTING):
        return act
    steps = sorted(set(indices))
    edit = Hastened(act.edit, [indices.count(step) for step in steps], [indices.index(step) for step in steps])
    return replace(act, edit=edit, later=tuple(steps[1:]))


@dataclass(frozen=True, eq=False)
class Hastened:
    """An edit that takes several of its times at once.

    At the first of its steps it does what it would do to the unedited picture, whatever acted there before it: of that
    all predictions are known as soon as a slider has moved once.

    Attributes:
        edit: itself.
        counts: of each step, how many of the edit's times it stands for.
        turns: of each step, the first of these times.
    """

    edit: Edit
    counts: Sequence[int]
    turns: Sequence[int]

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """As the edit has it."""
        step = inputs.turn
        inputs.turn = self.turns[step]
        strength *= 1 if isinstance(self.edit, LeadingEdit) else self.counts[step] ** TOGETHER
        unedited = x if step else cast(LazyInputs, inputs).unedited().latent
        edited = self.edit(unedited, inputs, strength)
        return edited if torch.equal(unedited, x) else x + (edited - unedited)
