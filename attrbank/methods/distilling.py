"""Learning text directions: the mean of the encoder's own differences, or one that is distilled (docs/method.md 8)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.diffusion.position import Position
from attrbank.diffusion.schedule import nearest_index
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import InvalidValueError
from attrbank.methods.directions import (
    TINY,
    Directions,
    Spoken,
    added,
    mean_directions,
    require_heard,
    sizes_of,
    spoken_by,
)
from attrbank.methods.pairs import counted, dealt
from attrbank.methods.protocol import LearnContext, Learned
from attrbank.methods.trial import coarse

MOMENTS = 6
"""Times from T_x on at which a distilled direction is compared with the target prompt."""
STEPS, ROWS = 150, 8
"""Of the distillation: its steps, and the most pictures in each."""
FAR, NEAR = 0.5, 0.05
"""How far a step goes, in the tokens' own size: from nothing, where small ones find no way, and from a good mean."""
WORTH = 0.01
"""A mean that explains less is no beginning; one that is nothing explains some rounding."""
SCALES = (0.25, 1.5)
"""It is trained at strengths of this size, of either sign, so that less, more and the opposite are learned, too."""
HELD_OUT = 4
"""One seed of so many is for telling what the direction explains, where there are as many as two times that."""


def learn(context: LearnContext) -> Learned:
    """Learn as ``spec.core`` says; by default distilled, from the mean where that says anything.

    Raises:
        InvalidValueError: a pair has no subject, or the encoders say the same of it in both prompts and the core is
            ``mean``.
    """
    spec = context.spec
    spoken = [spoken_by(context.trajectory.backbone, pair, spec.on) for pair in spec.pairs]
    words = tuple(dict.fromkeys(one.word for one in spoken))
    mean = mean_directions(spoken)
    if spec.core == "mean":
        require_heard(mean, spoken, words)
        return Learned(mean, {"core": "mean", "words": words})
    found = distilled(context, spoken, mean)
    measured = {} if found.explains is None else {"explained_share": found.explains}
    return Learned(found.directions, {"core": "distil", "words": words, "measured": measured}, found.explains)


class Distilled(NamedTuple):
    """Directions that were trained.

    Attributes:
        directions: (D,) for each encoder.
        explains: the share of what the target prompts change in held-out predictions; None with too few seeds.
    """

    directions: dict[str, Tensor]
    explains: float | None


class _Lesson(NamedTuple):
    """Latents at one time under one pair, and how the target prompt changes what is predicted of them.

    Shapes:
        position.latent, source, change: (B, C, H, W).
    """

    spoken: Spoken
    position: Position
    source: Tensor
    change: Tensor

    def rows(self, chosen: Sequence[int]) -> _Lesson:
        """Some of its pictures."""
        return _Lesson(self.spoken, self.position.rows(chosen), self.source[chosen], self.change[chosen])


def distilled(context: LearnContext, spoken: Sequence[Spoken], mean: Directions) -> Distilled:
    """Train directions under which the source prompt's noise prediction becomes the target prompt's.

    At strength s the prediction is to be ε(c) + s (ε(c′) − ε(c)), without guidance, on the source prompts' own way. The
    training begins at the mean where that is better than nothing, and gives it back where it does not get any further.

    Raises:
        InvalidValueError: nothing is better than nothing, and ``context.force`` is off.
    """
    trajectory = coarse(context.trajectory).unguided()
    taught, kept = _apart(_lessons(context, spoken), context.spec.seeds)
    known = _explained(trajectory, taught, mean)
    is_good = known > WORTH
    begin = dict(mean) if is_good else {name: torch.zeros_like(vector) for name, vector in mean.items()}
    found = _trained(context, trajectory, taught, begin, NEAR if is_good else FAR)
    gained = _explained(trajectory, taught, found)
    if is_good and gained < known:
        found = begin
    _require_gain(context, max(gained, known), [one.word for one in spoken])
    return Distilled(found, _explained(trajectory, kept, found) if kept else None)


def _require_gain(context: LearnContext, explained: float, words: Sequence[str]) -> None:
    """Refuse what says nothing even on the seeds that it was learned from; forced, warn of it."""
    if explained > 0:
        return
    found = f"nothing that is added at {', '.join(dict.fromkeys(words))} brings the model nearer to the target prompts"
    if not context.force:
        hint = "Name another word with --on, or leave --method out. --force stores it all the same."
        raise InvalidValueError(f"{found[0].upper()}{found[1:]}.", hint)
    context.on_warning(found)


def _trained(
    context: LearnContext, trajectory: Trajectory, taught: Sequence[_Lesson], begin: Directions, rate: float
) -> dict[str, Tensor]:
    """Directions after some steps from others, in units of the tokens' own size, so that rates fit every encoder."""
    generator = torch.Generator().manual_seed(context.spec.seeds[0])
    sizes, most = sizes_of([taught[0].spoken]), max(1, min(ROWS, context.trajectory.batch_size // 2))
    scaled = {name: (begin[name] / size).requires_grad_() for name, size in sizes.items()}
    optimiser = torch.optim.Adam(scaled.values(), lr=rate, betas=(0.8, 0.95))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, rate / 20)
    for step in range(STEPS):
        lesson = taught[int(torch.randint(len(taught), (), generator=generator))]
        rows = torch.randperm(len(lesson.position.seeds), generator=generator)[:most].tolist()
        directions = {name: vector * sizes[name] for name, vector in scaled.items()}
        loss = _missed(trajectory, lesson.rows(rows), directions, _drawn(len(rows), generator))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        optimiser.step()
        schedule.step()
        context.on_progress("fitting", step + 1, STEPS)
    return {name: (vector * sizes[name]).detach() for name, vector in scaled.items()}


def _apart(lessons: Sequence[_Lesson], seeds: Sequence[int]) -> tuple[list[_Lesson], list[_Lesson]]:
    """Those to learn from, and those of held-out seeds; of few seeds none are held out."""
    held = set(seeds[HELD_OUT - 1 :: HELD_OUT]) if len(seeds) >= 2 * HELD_OUT else set()
    taught = [part for lesson in lessons if (part := _of(lesson, lambda seed: seed not in held))]
    return taught, [part for lesson in lessons if (part := _of(lesson, lambda seed: seed in held))]


def _drawn(count: int, generator: torch.Generator) -> Tensor:
    """Strengths to train at, (B,)."""
    low, high = SCALES
    sizes = low + (high - low) * torch.rand(count, generator=generator)
    return sizes * (1 - 2 * torch.randint(2, (count,), generator=generator))


def _missed(trajectory: Trajectory, lesson: _Lesson, directions: Directions, strengths: Tensor) -> Tensor:
    """The squared error of the predictions at some strengths (B,), as a share of what the target prompt changes."""
    each = strengths[:, None, None, None]
    many = {name: tensor.expand(len(each), *tensor.shape[1:]) for name, tensor in lesson.spoken.source.items()}
    device = many[lesson.spoken.places[0].tensor].device
    heard = added(many, lesson.spoken.places, directions, strengths[:, None, None].to(device))
    found = trajectory.predict(lesson.position, heard).eps
    wanted = lesson.source + each * lesson.change
    return (found - wanted).square().mean() / lesson.change.square().mean().clamp(min=TINY)


@torch.no_grad()
def _explained(trajectory: Trajectory, lessons: Iterable[_Lesson], directions: Directions) -> float:
    """1 less the error at strength 1 as a share of the change, over all lessons."""
    shares = [
        float(_missed(trajectory, lesson, directions, torch.ones(len(lesson.position.seeds)))) for lesson in lessons
    ]
    return 1 - math.fsum(shares) / len(shares)


def _of(lesson: _Lesson, wanted: Callable[[int], bool]) -> _Lesson | None:
    rows = [row for row, seed in enumerate(lesson.position.seeds) if wanted(seed)]
    return lesson.rows(rows) if rows else None


@torch.no_grad()
def _lessons(context: LearnContext, spoken: Sequence[Spoken]) -> list[_Lesson]:
    """Every pair's seeds on the way of its source prompt, at some times from T_x on."""
    trajectory, lessons = coarse(context.trajectory), []
    unguided = trajectory.unguided()
    first = nearest_index(trajectory.grid, trajectory.backbone.schedule, context.spec.t_x)
    indices = _moments(min(first, trajectory.end - 1), trajectory.end)
    on_step = counted(context, indices[-1] * len(context.spec.seeds))
    heard = dict(zip(context.spec.pairs, spoken, strict=True))
    for pair, seeds in dealt(context):
        one, position = heard[pair], trajectory.start(seeds)
        for index in indices:
            position = trajectory.run(position, one.source, index, on_step)
            source, target = (unguided.predict(position, side).eps for side in (one.source, one.target))
            lessons.append(_Lesson(one, position, source, target - source))
    return lessons


def _moments(first: int, end: int) -> tuple[int, ...]:
    """Grid indices from T_x on, evenly, none of them the clean end."""
    count = min(MOMENTS, end - first)
    return tuple(sorted({first + (end - first) * turn // count for turn in range(count)}))
