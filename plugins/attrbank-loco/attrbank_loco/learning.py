"""Directions of the latent at T_x: of a region by itself (LOCO), or towards a target prompt in it (T-LOCO)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.plugin import (
    InvalidValueError,
    LearnContext,
    Learned,
    Position,
    PromptPair,
    Subspace,
    signed,
    strongest,
    within,
)
from attrbank_loco.linear import Linearised

NULL_RANK = 5
"""Directions that change most of what lies outside the region, which are taken out; as published."""

NULL_MOST, NULL_TOLERANCE = 12, 0.05
"""They are not wanted for themselves, and need not be found to the last digit."""

SHARE = 0.06
"""How far strength 1 of a direction without a target goes, and of others at most, as a share of the noise's own length
√(CHW): about the published scale of 8 on latents of Stable Diffusion, which are 128 long."""

ROUNDING = 1e-3
"""What is left of a direction, as a share, when there is nothing left of it."""


class Seen(NamedTuple):
    """One learning picture at T_x.

    Attributes:
        pair: its prompts.
        position: of its latent, one row.
    """

    pair: PromptPair
    position: Position


def learn(context: LearnContext) -> Learned | tuple[Learned, ...]:
    """LOCO of a pair that says the same on both sides, T-LOCO of others.

    Raises:
        InvalidValueError: there is no such direction, or all that changes the region changes the rest as well.
    """
    first = context.spec.pairs[0]
    return learn_unnamed(context) if first.source == first.target else learn_towards(context)


def learn_unnamed(context: LearnContext) -> tuple[Learned, ...]:
    """The components that were asked for of what changes the region most, at the first seed's latent.

    They share the iteration, and what is taken out of each. The other seeds' latents tell how well it carries over.

    Raises:
        InvalidValueError: there is no such component.
    """
    seen, *others = pictures(context)
    first, count = context.spec.component, context.spec.components
    context.on_progress("following the Jacobian", 0, 2)
    inside = linearised(context, seen, region_of(context))
    last = first + count - 1
    found = strongest(inside.push, inside.pull, start_of(context, last))
    if len(found.vectors) < last:
        raise InvalidValueError(
            f"The region has {len(found.vectors)} directions, and no component {last}.", "Ask for less."
        )
    context.on_progress("following the Jacobian", 1, 2)
    rest = strongest_outside(context, seen)
    context.on_progress("following the Jacobian", 2, 2)
    return tuple(learned_component(context, [seen, *others], found, rest, number) for number in range(first, last + 1))


def learned_component(
    context: LearnContext, seen: Sequence[Seen], found: Subspace, rest: Tensor, component: int
) -> Learned:
    """One of the components, without the directions that change the rest, (K, C, H, W)."""
    first, *others = seen
    direction = signed(confined(found.vectors[component - 1], rest))
    unit = SHARE * direction.numel() ** 0.5
    measured = {
        "component": float(component),
        "singular_value": float(found.values[component - 1]),
        "iterations": float(found.iterations),
        "turned": found.turned,
        "leak": leak(context, [first], direction),
    }
    if others:
        moved = float(changes(context, [first], direction).norm())
        carried = changes(context, others, direction).flatten(1).norm(dim=1).mean()
        measured["transfer"] = float(carried) / moved
    return Learned({"direction": direction}, {"core": "mean", "units": {"mean": unit}, "measured": measured})


def learn_towards(context: LearnContext) -> Learned:
    """What pulls x̂0 from the source's to the target's, within the region: directions of the latent, and their cause.

    The mean direction is kept for who cannot ask the network; the mean difference is what other pictures pull back for
    themselves. Strength 1 moves x̂0 there, to first order and on average, as far as the prompts differ along its way.
    """
    seen, region = list(pictures(context)), region_of(context)
    directions, differences = [], []
    for done, picture in enumerate(seen):
        context.on_progress("following the Jacobian", done, len(seen))
        difference = region * prompts_differ(context, picture)
        pulled = linearised(context, picture, region).pull(difference)[0]
        directions.append(confined(pulled, strongest_outside(context, picture)))
        differences.append(difference)
    context.on_progress("following the Jacobian", len(seen), len(seen))
    mean, wanted = torch.stack(directions).mean(0), torch.cat(differences)
    direction, difference = normalised(mean), wanted.mean(0)
    units = {
        "mean": fitted(changes(context, seen, direction), wanted),
        "own": fitted(own_changes(context, seen, difference), difference.expand_as(wanted)),
    }
    measured = {
        "agreement": float(mean.norm()),
        "leak": leak(context, seen, direction),
    }
    tensors = {"direction": direction, "difference": difference}
    return Learned(tensors, {"core": context.spec.core or "own", "units": units, "measured": measured})


def fitted(moved: Tensor, wanted: Tensor) -> float:
    """How much of what a step of length 1 moves is nearest to what is wanted, both (N, C, H, W).

    No more than ``SHARE`` of the noise's length: what is known to first order holds no further.
    """
    smallest, most = torch.finfo(moved.dtype).tiny, SHARE * moved[0].numel() ** 0.5
    return float(((moved * wanted).sum() / moved.square().sum().clamp(min=smallest)).clamp(-most, most))


def changes(context: LearnContext, seen: Sequence[Seen], direction: Tensor) -> Tensor:
    """What a direction (C, H, W) changes of each picture's x̂0 in the region, to first order, (N, C, H, W)."""
    region = region_of(context)
    return torch.cat([linearised(context, picture, region).push(direction[None]) for picture in seen])


def own_changes(context: LearnContext, seen: Sequence[Seen], difference: Tensor) -> Tensor:
    """The same of the direction, another in every picture, that makes most of a difference (C, H, W) there."""
    insides = [linearised(context, picture, region_of(context)) for picture in seen]
    return torch.cat([inside.push(normalised(inside.pull(difference[None]))) for inside in insides])


def pictures(context: LearnContext) -> Iterator[Seen]:
    """The learning pictures, each under the source prompt of its turn."""
    trajectory, pairs = context.trajectory, context.spec.pairs
    for number, seed in enumerate(context.spec.seeds):
        pair = pairs[number % len(pairs)]
        source = trajectory.conditioning(pair.source)
        yield Seen(pair, trajectory.run(trajectory.start((seed,)), source, context.index_x))


def region_of(context: LearnContext) -> Tensor:
    """The region, (1, 1, H, W); without a mask all of the latent."""
    _, height, width = context.trajectory.backbone.latent_shape
    return torch.ones(1, 1, height, width) if context.mask is None else context.mask


def linearised(context: LearnContext, seen: Seen, region: Tensor) -> Linearised:
    """What the model makes of a picture's latent under its source prompt, under which the edited picture goes on."""
    trajectory = context.trajectory
    return Linearised(trajectory, seen.position, trajectory.conditioning(seen.pair.source), region)


def prompts_differ(context: LearnContext, seen: Seen) -> Tensor:
    """x̂0 under the target prompt less that under the source prompt, of the same latent, (1, C, H, W).

    Raises:
        InvalidValueError: they are the same.
    """
    trajectory, pair = context.trajectory, seen.pair
    with torch.no_grad():
        source, target = (
            trajectory.predict(seen.position, trajectory.conditioning(prompt)).x0
            for prompt in (pair.source, pair.target)
        )
    if torch.equal(source, target):
        raise InvalidValueError("The model hears no difference between the prompts: there is none to follow.")
    return target - source


def strongest_outside(context: LearnContext, seen: Seen) -> Tensor:
    """Directions that change most of what lies outside the region, (K, C, H, W); none if nothing lies there."""
    outside, start = 1 - region_of(context), start_of(context, NULL_RANK)
    if not outside.any():
        return start[:0]
    rest = linearised(context, seen, outside)
    return strongest(rest.push, rest.pull, start, most=NULL_MOST, tolerance=NULL_TOLERANCE).vectors


def confined(direction: Tensor, rest: Tensor) -> Tensor:
    """A direction (C, H, W) without the span of others, (K, C, H, W), of length 1.

    Raises:
        InvalidValueError: nothing is left.
    """
    direction = normalised(direction)
    left = direction - within(direction, rest)
    if float(left.norm()) < ROUNDING:
        raise InvalidValueError(
            "Whatever changes the region changes the rest of the picture as well.", hint="Give a larger region."
        )
    return normalised(left)


def leak(context: LearnContext, seen: Sequence[Seen], direction: Tensor) -> float:
    """How much a direction changes the rest of the pictures, as a share of what it changes in all of them."""
    region, whole = region_of(context), torch.ones(1, 1, 1, 1)
    moved = torch.cat([linearised(context, picture, whole).push(direction[None]) for picture in seen])
    return float(((1 - region) * moved).norm() / moved.norm().clamp(min=torch.finfo(moved.dtype).tiny))


def start_of(context: LearnContext, count: int) -> Tensor:
    """Random vectors to begin with, (count, C, H, W), the same every time."""
    generator = torch.Generator().manual_seed(context.spec.seeds[0])
    return torch.randn((count, *context.trajectory.backbone.latent_shape), generator=generator)


def normalised(vector: Tensor) -> Tensor:
    """Of length 1.

    Raises:
        InvalidValueError: it has no length.
    """
    length = float(vector.norm())
    if not length:
        raise InvalidValueError("No change of the latent changes the region.", hint="Give a larger region.")
    return vector / length
