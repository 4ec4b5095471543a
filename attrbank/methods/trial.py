"""How far edits go that act on the way, on some of the learning seeds: the yardstick of the cores that ask the network.

No judge is asked. The yardstick is what the target prompt changes in finished clean latents (docs/method.md 5.8).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from attrbank.avi.own_difference import places
from attrbank.diffusion.position import Position
from attrbank.diffusion.prediction import evaluations_per_step
from attrbank.diffusion.protocols import Conditioning, Prediction, guidance_of
from attrbank.diffusion.schedule import indices_of, nearest_index
from attrbank.diffusion.towards import predict_towards
from attrbank.diffusion.trajectory import Trajectory, clean_under
from attrbank.methods.inputs import Beside, EditInputs
from attrbank.methods.moving import LAST, times_between
from attrbank.methods.protocol import Edit, LearnContext
from attrbank.schema.asked import PromptPair

FIRSTS = (0.6, 0.7, 0.8, 0.9)
"""Where such an edit may begin: by .9 of the time the layout is there."""
COST, FEWEST, MOST = 0.2, 4, 10
"""It acts so often that its rows, four a time at most, are this share of a plain run's, within bounds."""
FAINT = 0.25
"""A picture in which the target prompt changes less than this share of the average is none that could come least."""
PICTURES, FEWEST_STEPS = 6, 10
"""Learning seeds on which it is measured, in half of the steps but no fewer than these."""
JUDGE = "prompt switch"
TINY = 1e-12


def count_for(trajectory: Trajectory, pairs: int = 1) -> int:
    """How often it acts in a run as long as this one: each pair has its turn, if there are no more than ``MOST``."""
    rows = len(trajectory.grid) * evaluations_per_step(trajectory.guidance_scale, guidance_of(trajectory.backbone))
    return min(MOST, max(FEWEST, pairs, round(COST * rows / 4)))


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
    """What was found out about a core that acts on the way.

    Attributes:
        fields: of the record.
        measured: by the way: between which time fractions it acts, and how far strength 1 goes along.
        along: that, see ``Progress``.
    """

    fields: Mapping[str, Any]
    measured: Mapping[str, float]
    along: float


class Trial:
    """The first learning seeds under their source prompts, unedited and as the target prompt changes them.

    Attributes:
        seeds: of the pictures.
    """

    def __init__(self, context: LearnContext) -> None:
        spec, self._trajectory = context.spec, coarse(context.trajectory)
        self._count = count_for(context.trajectory, len(spec.pairs))
        earliest = self.indices(self.times(FIRSTS[-1]))[0]
        self._first = min(earliest, self._index(spec.t_x))
        self.seeds = spec.seeds[: max(PICTURES, len(spec.pairs))]
        shares = [(pair, self.seeds[number :: len(spec.pairs)]) for number, pair in enumerate(spec.pairs)]
        self._ways = [(pair, self._way_of(pair.source, share)) for pair, share in shares]
        self._before = torch.cat([way[-1].latent for _, way in self._ways])
        switched = torch.cat([self._run(way[0].branched(), pair.target) for pair, way in self._ways])
        self._way = switched - self._before
        self._point = self._way * places(self._way)

    def times(self, first: float) -> tuple[float, ...]:
        """ᾱ at which an edit acts that begins at a fraction of the time."""
        return times_between(self._trajectory.backbone.schedule, first, LAST, self._count)

    def indices(self, times: Sequence[float]) -> tuple[int, ...]:
        """The steps at which it does."""
        return indices_of(times, self._trajectory.grid, self._trajectory.backbone.schedule)

    @property
    def guidance_scale(self) -> float:
        """Of the runs."""
        return self._trajectory.guidance_scale

    def on_the_way(self, edit: Edit, times: Sequence[float], strength: float) -> Progress:
        """What an edit does that acts at these times, at a raw strength."""
        return self.of(edit, self.indices(times), strength)

    def once(self, edit: Edit, t_x: float) -> Progress:
        """What an edit does that acts once, at strength 1."""
        return self.of(edit, [self._index(t_x)], 1.0)

    def of(self, edit: Edit, indices: Sequence[int], strength: float) -> Progress:
        """What an edit does at these steps."""
        edited = [self._edited(way, pair.source, edit, indices, strength) for pair, way in self._ways]
        change, way, point = (part.flatten(1) for part in (torch.cat(edited) - self._before, self._way, self._point))
        gone, whole = (change * way).sum(1), way.square().sum(1).clamp(min=TINY)
        clear = whole >= FAINT * whole.mean()
        along = torch.cosine_similarity(change.flatten(), point.flatten(), dim=0)
        return Progress(float(gone.sum() / whole.sum()), float((gone / whole)[clear].min()), float(along))

    def _index(self, fraction: float) -> int:
        trajectory = self._trajectory
        return min(nearest_index(trajectory.grid, trajectory.backbone.schedule, fraction), trajectory.end - 1)

    def _way_of(self, prompt: str, seeds: tuple[int, ...]) -> list[Position]:
        """Every place of the unedited pictures, from where an edit may begin to the end."""
        trajectory, conditioning = self._trajectory, self._trajectory.conditioning(prompt)
        way = [trajectory.run(trajectory.start(seeds), conditioning, self._first)]
        trajectory.run(way[0], conditioning, on_step=way.append)
        return way

    def _run(self, position: Position, prompt: str) -> Tensor:
        return self._trajectory.run(position, self._trajectory.conditioning(prompt)).latent

    def _edited(
        self, way: Sequence[Position], prompt: str, edit: Edit, indices: Sequence[int], strength: float
    ) -> Tensor:
        trajectory, conditioning, memory = self._trajectory, self._trajectory.conditioning(prompt), dict[str, Tensor]()
        position = arrived = way[0]
        for turn, index in enumerate(indices):
            if index > position.index:
                position = arrived = trajectory.run(position, conditioning, index)
            inputs = _Here(trajectory, position, arrived, prompt, way[index - way[0].index :][:2], turn, memory)
            position = position.edited(edit(position.latent, cast(EditInputs, inputs), strength))
        return self._run(position, prompt)


def coarse(trajectory: Trajectory) -> Trajectory:
    """The same run in half of the steps, which is good enough to see how far an edit goes."""
    steps = min(len(trajectory.grid), max(FEWEST_STEPS, len(trajectory.grid) // 2))
    return trajectory.along(trajectory.sampler.grid(steps, trajectory.backbone.schedule))


class _Here:
    """As much of ``EditInputs`` as edits without runs of their own ask for."""

    def __init__(
        self,
        trajectory: Trajectory,
        position: Position,
        arrived: Position,
        prompt: str,
        unedited: Sequence[Position],
        turn: int,
        memory: dict[str, Tensor],
    ) -> None:
        self.alpha_bar, self.turn, self.memory = trajectory.alpha_bar(position.index), turn, memory
        self._trajectory, self._position, self._prompt = trajectory, position, prompt
        self._conditioning: Conditioning = trajectory.conditioning(prompt)
        self._unedited, self._arrived = unedited, arrived

    def clean(self) -> Tensor:
        return self._trajectory.predict(self._position, self._conditioning).x0

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        return clean_under(self._trajectory, self._position.edited(x), prompts)

    def beside(self) -> Beside:
        """What was said about the unedited picture led to its next place."""
        here, onward = self._unedited
        x0 = cast(Tensor, onward.clean)
        eps = (here.latent - math.sqrt(self.alpha_bar) * x0) / math.sqrt(1 - self.alpha_bar)
        return Beside(here.latent, Prediction(eps, x0))

    def gone(self) -> Tensor:
        before, after = self._unedited[0].clean, self._position.clean
        gone = (self._position.latent - self._arrived.latent) / math.sqrt(self.alpha_bar)
        return gone if before is None or after is None else gone + (after - before)

    def towards(self, x: Tensor, pair: PromptPair) -> Prediction:
        return predict_towards(self._trajectory, self._position.edited(x), self._prompt, pair.source, pair.target)
