"""What a slider learns from: latents on the ways that perfect sliders of four strengths would take, and what is said.

A perfect slider makes of ε_θ(x) the sum ε_θ(x) + s η d(x), with d(x) = ε(x, target) − ε(x, source). Guidance asks under
the empty prompt as well, so both are moved by as much, and with η the guidance scale strength 1 is the one prompt
exchanged for the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attrbank.plugin import LearnContext, Prediction, PromptPair, Trajectory, nearest_index, predict_under

STRENGTHS = (-1.0, -0.5, 0.5, 1.0)
"""Both signs: what is trained at +1 alone does nothing of use below 0."""

STEPS = 12
"""Of the grid on which the ways are run, or the run's own if it has fewer."""

BATCH = 16


@dataclass(frozen=True, eq=False)
class Lesson:
    """Latents at one time, and what is to be said of them.

    Shapes:
        latent, change: (M, C, H, W); the change is η d.
        said: (H, M, C, H, W), ε under the H prompts that the network is asked under.
        strengths: (M,), of the slider on whose way each latent lies.
        is_held: (M,), whether it is for telling what was learned, and not for learning.

    Attributes:
        timestep: the time.
        heard: the prompts of each row, H of M each.
    """

    timestep: int
    latent: Tensor
    said: Tensor
    change: Tensor
    strengths: Tensor
    is_held: Tensor
    heard: tuple[tuple[str, ...], ...]

    def rows(self, chosen: Tensor) -> Lesson:
        """Some of its latents, by a mask or by indices (m,)."""
        numbers = torch.arange(len(self.latent))[chosen].tolist()
        return Lesson(
            self.timestep,
            self.latent[chosen],
            self.said[:, chosen],
            self.change[chosen],
            self.strengths[chosen],
            self.is_held[chosen],
            tuple(tuple(prompts[number] for number in numbers) for prompts in self.heard),
        )


@torch.no_grad()
def gather(context: LearnContext, scale: float) -> list[Lesson]:
    """One lesson for each time of the interval, of all seeds.

    Args:
        context: where the slider is learned.
        scale: of the change, in units of the guidance scale.
    """
    trajectory, spec, done = coarser(context.trajectory), context.spec, 0
    first, last = (nearest_index(trajectory.grid, trajectory.backbone.schedule, t) for t in (spec.t_x, spec.t_z))
    times = range(first, max(last, first + 1))
    total = len(times) * len(spec.seeds)
    ways: list[list[Lesson]] = []
    for pair, seeds, strengths, held in dealt(context):
        ways.append([])
        for lesson in _way(trajectory, pair, seeds, strengths, held, times, scale):
            ways[-1].append(lesson)
            done += len(seeds)
            context.on_progress("looking at the pair", done, total)
    return [joined(parts) for parts in zip(*ways, strict=True)]


def coarser(trajectory: Trajectory) -> Trajectory:
    """The run in few steps, which are enough to see where the ways lead."""
    steps = min(STEPS, len(trajectory.grid))
    return trajectory.along(trajectory.sampler.grid(steps, trajectory.backbone.schedule))


def dealt(context: LearnContext) -> Iterator[tuple[PromptPair, tuple[int, ...], Tensor, Tensor]]:
    """Every pair with its seeds in batches, each with a strength (B,), and whether it is held out (B,).

    Of four seeds of one strength one is held out.
    """
    pairs, seeds, turn = context.spec.pairs, context.spec.seeds, 0
    for number, pair in enumerate(pairs):
        share = seeds[number :: len(pairs)]
        for start in range(0, len(share), BATCH):
            batch = share[start : start + BATCH]
            turns = torch.arange(turn, turn + len(batch))
            turn += len(batch)
            yield pair, batch, torch.tensor(STRENGTHS)[turns % len(STRENGTHS)], turns // len(STRENGTHS) % 4 == 3


def _way(
    trajectory: Trajectory,
    pair: PromptPair,
    seeds: Sequence[int],
    strengths: Tensor,
    held: Tensor,
    indices: range,
    scale: float,
) -> Iterator[Lesson]:
    """The lessons of one batch, as perfect sliders of these strengths (B,) lead it."""
    guidance = trajectory.guidance_scale if trajectory.is_guided else 1.0
    without = (trajectory.negative_prompt,) if trajectory.is_guided else ()
    prompts = (*without, pair.source, pair.target)
    position = trajectory.run(trajectory.start(seeds), trajectory.conditioning(pair.source), indices.start)
    for index in indices:
        eps, x0 = predict_under(trajectory, position, prompts)
        change = scale * guidance * (eps[-1] - eps[-2])
        heard = tuple((prompt,) * len(seeds) for prompt in prompts[:-1])
        timestep = trajectory.grid[index][0]
        yield Lesson(timestep, position.latent, eps[:-1], change, strengths, held, heard)
        moved = scale * guidance * strengths.reshape(-1, 1, 1, 1)
        eps, x0 = (perfect(said, guidance, moved) for said in (eps, x0))
        position = trajectory.step(position, Prediction(eps, x0))


def perfect(said: Tensor, guidance: float, moved: Tensor | float) -> Tensor:
    """What guidance and a perfect slider make of what is said under no prompt, the source and the target, (P, B, …)."""
    plain = said[-2] if len(said) == 2 else said[0] + guidance * (said[1] - said[0])
    return plain + moved * (said[-1] - said[-2])


def joined(parts: Sequence[Lesson]) -> Lesson:
    """Lessons of one time, of all batches."""
    first = parts[0]
    return Lesson(
        first.timestep,
        torch.cat([part.latent for part in parts]),
        torch.cat([part.said for part in parts], dim=1),
        torch.cat([part.change for part in parts]),
        torch.cat([part.strengths for part in parts]),
        torch.cat([part.is_held for part in parts]),
        tuple(tuple(p for row in rows for p in row) for rows in zip(*(part.heard for part in parts), strict=True)),
    )
