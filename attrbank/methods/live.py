"""The core ``live``: this picture's own difference at its own latent, a little of it at each of several times.

It asks the network while it acts, and nothing has to be alike in two pictures: so it acts wherever the subject is. What
is banked is how much of it makes the full effect, measured against what the target prompt would change from the first
of these times on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from attrbank.avi.difference import add_difference
from attrbank.avi.own_difference import own_difference
from attrbank.methods.inputs import EditInputs
from attrbank.methods.moving import LAST
from attrbank.methods.protocol import LearnContext
from attrbank.methods.trial import FIRSTS, JUDGE, Fitted, Progress, Trial
from attrbank.methods.turns import pair_of
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord, Calibration

RAW = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Raw strengths that are tried: multiples of the guided difference, all times together."""
ENOUGH = 0.6
"""It begins as late as the strongest goes this far. What is still undecided then is less of everything else."""
FULL, MOST_OF_ALL, LEAST = 0.7, 0.9, 0.3
"""Strength 1 goes so far, as a share of what the target prompt changes from the earliest time on: ``FULL`` on average,
and ``LEAST`` in the picture that comes least, for whose sake the others go no further than ``MOST_OF_ALL``. More of it
changes more of everything else; less of it leaves out some pictures of what is worn or not."""
SHARES = (0.25, 0.5, 0.75, 0.9, 1.0)
"""Strengths whose raw strength is found; between them lines are straight."""


@dataclass(frozen=True, eq=False)
class LiveEdit:
    """Adds a share of this picture's own difference, each time that it is called.

    Attributes:
        pairs: the prompts; with several, each time has the next one.
        times: ᾱ at the times at which it is called, each in its turn.
        size: what all times together add at strength 1, as a multiple of the difference.
    """

    pairs: Sequence[PromptPair]
    times: Sequence[float]
    size: float

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add s · size / n · √ᾱ · d, with d masked by where it lies."""
        if strength == 0:
            return x
        pair = pair_of(self.pairs, inputs.turn, len(self.times))
        with torch.no_grad():
            source, target = inputs.clean_under(x, (pair.source, pair.target))
        share = self.size / len(self.times) * math.sqrt(inputs.alpha_bar)
        return add_difference(x, share * own_difference(source, target), strength)


def live_edit(record: AttributeRecord) -> LiveEdit:
    """The edit that a record describes; it has no tensors."""
    return LiveEdit(record.pairs, record.times, record.units["live"])


def fit(context: LearnContext, trial: Trial) -> Fitted:
    """Find when it begins, what strength 1 is, and what the strengths below it are.

    That takes no judge.
    """
    total = len(FIRSTS) + len(RAW)
    for done, first in enumerate(FIRSTS):
        context.on_progress("measuring strengths", done, total)
        edit = _beginning(context, trial, trial.times(first))
        strongest = trial.on_the_way(edit, edit.times, RAW[-1])
        if strongest.reached >= ENOUGH:
            break
    points = _measured(context, trial, edit, strongest, len(FIRSTS))
    calibration = Calibration(
        core="live",
        strengths=tuple(share for share, _ in points),
        raw=tuple(raw for _, raw in points),
        low=-1.0,
        high=round(max(1.0, RAW[-1] / points[-1][1]), 2),
        judge=JUDGE,
        seeds=trial.seeds,
    )
    fields = {"times": edit.times, "units": {"live": edit.size}, "calibration": calibration}
    along = trial.on_the_way(edit, edit.times, points[-1][1]).along
    return Fitted(fields, {"along_live": along, "acts_from": first, "acts_until": LAST}, along)


def size_at(context: LearnContext, trial: Trial, times: Sequence[float]) -> float:
    """How much of the difference makes the full effect, if it is added at these times."""
    edit = _beginning(context, trial, times)
    points = _measured(context, trial, edit, trial.on_the_way(edit, times, RAW[-1]), 0)
    return edit.size * points[-1][1]


def _beginning(context: LearnContext, trial: Trial, times: Sequence[float]) -> LiveEdit:
    return LiveEdit(context.spec.pairs, times, max(1.0, trial.guidance_scale))


def _measured(
    context: LearnContext, trial: Trial, edit: LiveEdit, strongest: Progress, done: int
) -> list[tuple[float, float]]:
    """Pairs (strength, raw), see ``strengths_of``."""
    tried, total = [Progress(0.0, 0.0, 0.0)], done + len(RAW)
    for number, raw in enumerate(RAW[:-1], done):
        context.on_progress("measuring strengths", number, total)
        tried.append(trial.on_the_way(edit, edit.times, raw))
    context.on_progress("measuring strengths", total, total)
    tried.append(strongest)
    reached, least = (list(accumulate(shares, max)) for shares in list(zip(*tried, strict=True))[:2])
    return strengths_of((0.0, *RAW), reached, least)


def strengths_of(raw: Sequence[float], reached: Sequence[float], least: Sequence[float]) -> list[tuple[float, float]]:
    """Pairs (strength, raw) from (0, 0) to strength 1, between which what is seen grows evenly.

    An eye sees most of a change in its first half: what is left to be seen falls as the square of what is left of the
    latent's way (docs/notes.md, "A little at a time"). So strength s goes 1 − √(1 − s) of the way.

    Args:
        raw: raw strengths, increasing from 0.
        reached: how far each goes, not decreasing from 0. Where none goes far enough, the last is strength 1.
        least: the same of the picture that comes least.
    """
    enough, too_much = np.interp((FULL, MOST_OF_ALL), reached, raw).tolist()
    full = min(max(enough, float(np.interp(LEAST, least, raw))), too_much)
    way = float(np.interp(full, raw, reached))
    if way <= 0:
        return [(0.0, 0.0), (1.0, full)]
    shares = SHARES[:-1]
    found = np.interp([(1 - math.sqrt(1 - share)) * way for share in shares], reached, raw).tolist()
    return [(0.0, 0.0), *zip(shares, found, strict=True), (SHARES[-1], full)]
