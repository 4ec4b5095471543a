"""A look ahead: the same picture in fewer steps after its last edit, for somebody who moves a slider."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from attrbank.editing.plan import Plan

STEPS = 2
"""From the last edit to the picture."""


def drafted(planned: Plan, steps: int = STEPS) -> Plan:
    """The plan, its grid as it is up to the last edit, so that what is remembered of it serves, and coarse from there.

    Args:
        planned: of a picture whose unedited one nobody needs.
        steps: from the last edit on, at least one.
    """
    last = max(turn.indices[-1] for turn in planned.turns)
    tail = planned.grid[last:]
    if len(tail) > steps and all(t != t_prev for t, t_prev in tail):  # a step of two stages is no two steps
        times = [tail[round(step * len(tail) / steps)][0] for step in range(steps)]
        planned = replace(planned, grid=(*planned.grid[:last], *pairwise([*times, tail[-1][1]])))
    return replace(planned, only_after=True)
