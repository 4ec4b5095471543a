"""Learning f(h, t). What stands in for the paper's CLIP is the model itself, under the target prompt.

Published is −log of how far the edited x̂0 goes along a direction of CLIP's, and λ |x̂0 − x̂0'| that holds it where it
was. Here the edited x̂0 is to be what the target prompt gives at the same x_t: that any model knows. The second term is
the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.plugin import Conditioning, LearnContext, Learned, Position, Trajectory, bottleneck_of
from attrbank_asyrp.bottleneck import WANTED_BY, dealt, features, times_of
from attrbank_asyrp.network import ChangeNet, OwnSteps

MOMENTS = 8
STEPS, ROWS = 240, 8
"""Of the training: its steps, and the most pictures in each."""
RATE = 3e-3
HOLD = 0.1
"""λ, in the size of what the target prompt changes."""
HELD_OUT = 4
"""One seed of so many is for telling what f explains, where there are as many as two times that."""


class Lesson(NamedTuple):
    """Latents at one time on the source prompt's own way, and what is said about them under both prompts.

    Shapes:
        position.latent, source, target: (B, C, H, W), the latter two clean.
        features: (B, C', H', W').
    """

    position: Position
    conditioning: Conditioning
    source: Tensor
    target: Tensor
    features: Tensor

    def rows(self, chosen: Sequence[int]) -> Lesson:
        """Some of its pictures."""
        part = self.source[chosen], self.target[chosen], self.features[chosen]
        return Lesson(self.position.rows(chosen), self.conditioning, *part)


def learn(context: LearnContext) -> Learned:
    """Train f without guidance, so that guidance does with it what it does with the target prompt."""
    generator = torch.Generator().manual_seed(context.spec.seeds[0])
    seeds = context.spec.seeds
    held = set(seeds[HELD_OUT - 1 :: HELD_OUT]) if len(seeds) >= 2 * HELD_OUT else set()
    lessons = lessons_of(context)
    taught = [part for one in lessons if (part := _of(one, [seed not in held for seed in one.position.seeds]))]
    kept = [part for one in lessons if (part := _of(one, [seed in held for seed in one.position.seeds]))]
    net = ChangeNet.untrained(torch.cat([one.features for one in taught]), generator)
    train(context, net, taught, generator)
    net.freeze()
    explains = explained(context, net, kept) if kept else None
    measured = {} if explains is None else {"explained_share": explains}
    return Learned(net.tensors(), {"core": "distil", "measured": measured}, explains)


def train(context: LearnContext, net: ChangeNet, lessons: Sequence[Lesson], generator: torch.Generator) -> None:
    """Train it in place."""
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    trajectory = moved(context, net)
    for step in range(STEPS):
        lesson = lessons[int(torch.randint(len(lessons), (), generator=generator))]
        rows = torch.randperm(len(lesson.source), generator=generator)[:ROWS].tolist()
        loss = _loss(trajectory, lesson.rows(rows))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        optimiser.step()
        schedule.step()
        context.on_progress("fitting", step + 1, STEPS)


def moved(context: LearnContext, net: ChangeNet) -> Trajectory:
    """The run without guidance on the model with f at its bottleneck."""
    plain = context.trajectory.unguided()
    edit = OwnSteps(net, until=0.0)
    shown = bottleneck_of(plain.backbone, WANTED_BY)
    return plain.through(shown.injecting(lambda h, timestep: edit.changed(h, timestep, 1.0)))


def _loss(trajectory: Trajectory, lesson: Lesson) -> Tensor:
    """(x̂0' − ẑ0)² + λ |x̂0' − x̂0|, in units of what the target prompt changes here."""
    found = trajectory.predict(lesson.position, lesson.conditioning).x0
    size = _size(lesson).sqrt()
    missed, went = (found - lesson.target) / size, (found - lesson.source) / size
    return missed.square().mean() + HOLD * went.abs().mean()


@torch.no_grad()
def explained(context: LearnContext, net: ChangeNet, lessons: Sequence[Lesson]) -> float:
    """1 less the squared error of x̂0 as a share of what the target prompts change, over all lessons."""
    trajectory = moved(context, net)
    errors = (
        float((trajectory.predict(one.position, one.conditioning).x0 - one.target).square().mean() / _size(one))
        for one in lessons
    )
    return 1 - math.fsum(errors) / len(lessons)


def _size(lesson: Lesson) -> Tensor:
    return (lesson.target - lesson.source).square().mean().clamp(min=torch.finfo(torch.float32).tiny)


@torch.no_grad()
def lessons_of(context: LearnContext) -> list[Lesson]:
    """Every pair's seeds on the way of its source prompt, at some times of the interval."""
    trajectory, lessons = context.trajectory, []
    indices = times_of(context, MOMENTS)
    unguided, total = trajectory.unguided(), len(indices) * len(context.spec.seeds)
    for pair, seeds in dealt(context):
        source, target = (trajectory.conditioning(prompt) for prompt in (pair.source, pair.target))
        position = trajectory.start(seeds)
        for index in indices:
            position = trajectory.run(position, source, index)
            before, after = (unguided.predict(position, side).x0 for side in (source, target))
            lessons.append(Lesson(position, source, before, after, features(context, position, source)))
            done = sum(len(one.source) for one in lessons)
            context.on_progress("looking at the bottleneck", done, total)
    return lessons


def _of(lesson: Lesson, wanted: Sequence[bool]) -> Lesson | None:
    rows = [row for row, is_wanted in enumerate(wanted) if is_wanted]
    return lesson.rows(rows) if rows else None
