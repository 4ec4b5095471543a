"""The core ``live``: this picture's own difference at its own latent, a little of it at each of several times.

It asks the network while it acts, and nothing has to be alike in two pictures: so it acts wherever the subject is. What
is banked is how much of it makes the full effect, measured against what the target prompt would change from the first
of these times on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from attrbank.avi.difference import add_difference
from attrbank.avi.own_difference import own_difference, places
from attrbank.diffusion.prediction import evaluations_per_step
from attrbank.diffusion.protocols import Conditioning, guidance_of
from attrbank.diffusion.schedule import indices_of, nearest_index
from attrbank.diffusion.trajectory import Position, Trajectory, clean_under
from attrbank.methods.moving import LAST, times_between
from attrbank.methods.protocol import Edit, EditInputs, LearnContext
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord, Calibration

FIRSTS = (0.6, 0.7, 0.8, 0.9)
"""Where it may begin: by .9 of the time the layout is there."""
COST, FEWEST, MOST = 0.2, 4, 10
"""It acts so often that its rows are this share of a plain run's, within bounds."""
RAW = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Raw strengths that are tried: multiples of the guided difference, all times together."""
ENOUGH = 0.6
"""It begins as late as the strongest goes this far. What is still undecided then is less of everything else."""
FULL, MOST_OF_ALL, LEAST = 0.7, 0.9, 0.3
"""Strength 1 goes so far, as a share of what the target prompt changes from the earliest time on: ``FULL`` on average,
and ``LEAST`` in the picture that comes least, for whose sake the others go no further than ``MOST_OF_ALL``. More of it
changes more of everything else; less of it leaves out some pictures of what is worn or not."""
FAINT = 0.25
"""A picture in which the target prompt changes less than this share of the average is none that could come least."""
SHARES = (0.25, 0.5, 0.75, 0.9, 1.0)
"""Strengths whose raw strength is found; between them lines are straight."""
PICTURES, FEWEST_STEPS = 6, 10
"""Learning seeds on which it is measured, in half of the steps but no fewer than these."""
JUDGE = "prompt switch"
TINY = 1e-12


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
        pair = self._pair(inputs.turn)
        with torch.no_grad():
            source, target = inputs.clean_under(x, (pair.source, pair.target))
        share = self.size / len(self.times) * math.sqrt(inputs.alpha_bar)
        return add_difference(x, share * own_difference(source, target), strength)

    def _pair(self, turn: int) -> PromptPair:
        """The next one each time; where there are more pairs than times some are left out, here and there."""
        pairs, times = len(self.pairs), len(self.times)
        return self.pairs[turn * pairs // times if pairs > times else turn % pairs]


def live_edit(record: AttributeRecord) -> LiveEdit:
    """The edit that a record describes; it has no tensors."""
    return LiveEdit(record.pairs, record.times, record.units["live"])


def count_for(trajectory: Trajectory, pairs: int = 1) -> int:
    """How often it acts in a run as long as this one: each pair has its turn, if there are no more than ``MOST``."""
    rows = len(trajectory.grid) * evaluations_per_step(trajectory.guidance_scale, guidance_of(trajectory.backbone))
    return min(MOST, max(FEWEST, pairs, round(COST * rows / 2)))


class Progress(NamedTuple):
    """How an edit's change of clean latents compares with the one that the target prompt makes from the first time on.

    Attributes:
        reached: its projection on that, as a share of it.
        least: the same of the picture in which it is smallest.
        along: the cosine of the angle to that part of it which lies where most of it lies, −1 to 1: how much of the
            change is what the prompt is about, and nothing else. What it changes thinly and everywhere is no merit.
    """

    reached: float
    least: float
    along: float


class Fitted(NamedTuple):
    """What was found out about the core.

    Attributes:
        fields: of the record.
        measured: by the way: between which time fractions it acts, and how far strength 1 goes along, see ``Progress``.
    """

    fields: Mapping[str, Any]
    measured: Mapping[str, float]

    @property
    def along(self) -> float:
        """Of strength 1, see ``Progress``."""
        return self.measured["along_live"]


def fit(context: LearnContext, trial: Trial) -> Fitted:
    """Find when it begins, what strength 1 is, and what the strengths below it are.

    That takes no judge.
    """
    total = len(FIRSTS) + len(RAW)
    for done, first in enumerate(FIRSTS):
        context.on_progress("measuring strengths", done, total)
        edit = trial.beginning(first)
        strongest = trial.live(edit, RAW[-1])
        if strongest.reached >= ENOUGH:
            break
    tried = [Progress(0.0, 0.0, 0.0)]
    for done, raw in enumerate(RAW[:-1]):
        context.on_progress("measuring strengths", len(FIRSTS) + done, total)
        tried.append(trial.live(edit, raw))
    context.on_progress("measuring strengths", total, total)
    tried.append(strongest)
    reached, least = (list(accumulate(shares, max)) for shares in list(zip(*tried, strict=True))[:2])
    points = strengths_of((0.0, *RAW), reached, least)
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
    along = trial.live(edit, points[-1][1]).along
    return Fitted(fields, {"along_live": along, "acts_from": first, "acts_until": LAST})


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


class Trial:
    """The first learning seeds under their source prompts, unedited and as the target prompt changes them.

    Attributes:
        seeds: of the pictures.
    """

    def __init__(self, context: LearnContext) -> None:
        spec, self._trajectory = context.spec, coarse(context.trajectory)
        self._pairs, self._count = spec.pairs, count_for(context.trajectory, len(spec.pairs))
        earliest = self._indices(self.beginning(FIRSTS[-1]))[0]
        self._first = min(earliest, self._index(spec.t_x))
        self.seeds = spec.seeds[: max(PICTURES, len(spec.pairs))]
        shares = [(pair, self.seeds[number :: len(spec.pairs)]) for number, pair in enumerate(spec.pairs)]
        self._starts = [(pair, self._start(pair, share)) for pair, share in shares]
        self._before = torch.cat([self._run(start, pair.source) for pair, start in self._starts])
        switched = torch.cat([self._run(start.branched(), pair.target) for pair, start in self._starts])
        self._way = switched - self._before
        self._point = self._way * places(self._way)

    def beginning(self, first: float) -> LiveEdit:
        """The edit that begins at a fraction of the time."""
        times = times_between(self._trajectory.backbone.schedule, first, LAST, self._count)
        return LiveEdit(self._pairs, times, max(1.0, self._trajectory.guidance_scale))

    def live(self, edit: LiveEdit, strength: float) -> Progress:
        """What it does at a raw strength."""
        return self.of(edit, self._indices(edit), strength)

    def once(self, edit: Edit, t_x: float) -> Progress:
        """What an edit does that acts once, at strength 1."""
        return self.of(edit, [self._index(t_x)], 1.0)

    def of(self, edit: Edit, indices: Sequence[int], strength: float) -> Progress:
        """What an edit does at these steps."""
        edited = [self._edited(start, pair.source, edit, indices, strength) for pair, start in self._starts]
        change, way, point = (part.flatten(1) for part in (torch.cat(edited) - self._before, self._way, self._point))
        gone, whole = (change * way).sum(1), way.square().sum(1).clamp(min=TINY)
        clear = whole >= FAINT * whole.mean()
        along = torch.cosine_similarity(change.flatten(), point.flatten(), dim=0)
        return Progress(float(gone.sum() / whole.sum()), float((gone / whole)[clear].min()), float(along))

    def _indices(self, edit: LiveEdit) -> tuple[int, ...]:
        return indices_of(edit.times, self._trajectory.grid, self._trajectory.backbone.schedule)

    def _index(self, fraction: float) -> int:
        trajectory = self._trajectory
        return min(nearest_index(trajectory.grid, trajectory.backbone.schedule, fraction), trajectory.end - 1)

    def _start(self, pair: PromptPair, seeds: tuple[int, ...]) -> Position:
        trajectory = self._trajectory
        return trajectory.run(trajectory.start(seeds), trajectory.conditioning(pair.source), self._first)

    def _run(self, position: Position, prompt: str) -> Tensor:
        return self._trajectory.run(position, self._trajectory.conditioning(prompt)).latent

    def _edited(self, position: Position, prompt: str, edit: Edit, indices: Sequence[int], strength: float) -> Tensor:
        conditioning = self._trajectory.conditioning(prompt)
        for turn, index in enumerate(indices):
            position = self._trajectory.run(position, conditioning, index)
            inputs = _Here(self._trajectory, position, conditioning, turn)
            position = position.edited(edit(position.latent, cast(EditInputs, inputs), strength))
        return self._run(position, prompt)


def coarse(trajectory: Trajectory) -> Trajectory:
    """The same run in half of the steps, which is good enough to see how far an edit goes."""
    steps = min(len(trajectory.grid), max(FEWEST_STEPS, len(trajectory.grid) // 2))
    return trajectory.along(trajectory.sampler.grid(steps, trajectory.backbone.schedule))


class _Here:
    """As much of ``EditInputs`` as edits without runs of their own ask for."""

    def __init__(self, trajectory: Trajectory, position: Position, conditioning: Conditioning, turn: int) -> None:
        self.alpha_bar, self.turn = trajectory.alpha_bar(position.index), turn
        self._trajectory, self._position, self._conditioning = trajectory, position, conditioning

    def clean(self) -> Tensor:
        return self._trajectory.predict(self._position, self._conditioning).x0

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        return clean_under(self._trajectory, self._position.edited(x), prompts)
