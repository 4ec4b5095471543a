"""Directions of the bottleneck that many pictures share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from attrbank.plugin import FeatureMap, InvalidValueError, LearnContext, Learned, signed
from attrbank_pullback.basis import Basis, basis
from attrbank_pullback.sphere import frechet_mean, unit

RANK = 8
"""Directions of each picture among which those of the first are looked for; and more than are asked for, which makes
the iteration quicker."""

LEAST = 1e-3
"""The length of what is left of a direction of length 1, in a picture that has nothing of it."""


def learn(context: LearnContext) -> tuple[Learned, ...]:
    """The components that were asked for of the first seed's basis, and what the others have of them, in the mean.

    Raises:
        InvalidValueError: there is no such component.
    """
    spec, prompt = context.spec, prompt_of(context)
    last = spec.component + spec.components - 1
    bases = []
    for done, seed in enumerate(spec.seeds):
        context.on_progress("following the Jacobian", done, len(spec.seeds))
        bases.append(basis_of(context, seed, prompt, last))
    context.on_progress("following the Jacobian", len(spec.seeds), len(spec.seeds))
    found = len(bases[0].values)
    if found < last:
        raise InvalidValueError(f"The bottleneck has {found} directions, and no component {last}.", "Ask for less.")
    shape = shape_of(context, prompt)
    return tuple(component(bases, number, shape) for number in range(spec.component, last + 1))


def prompt_of(context: LearnContext) -> str:
    """Under which the model is asked: the target's, whose conditioning is all the guidance that the paper has."""
    return context.spec.pairs[0].target


def basis_of(context: LearnContext, seed: int, prompt: str, wanted: int) -> Basis:
    """That of one learning picture at T_x, drawn under the source prompt."""
    trajectory, source = context.trajectory, context.spec.pairs[0].source
    position = trajectory.run(trajectory.start((seed,)), trajectory.conditioning(source), context.index_x)
    shown = FeatureMap(trajectory, context.index_x, trajectory.conditioning(prompt))
    return basis(shown, position.latent, start_of(context, max(RANK, 2 * wanted)), wanted=wanted)


def shape_of(context: LearnContext, prompt: str) -> tuple[int, ...]:
    """Of the bottleneck, (C', H', W')."""
    trajectory = context.trajectory
    shown = FeatureMap(trajectory, context.index_x, trajectory.conditioning(prompt))
    nothing = torch.zeros(1, *trajectory.backbone.latent_shape)
    return tuple(shown.push_forward(nothing, nothing).shape[1:])


def start_of(context: LearnContext, count: int) -> Tensor:
    """Random vectors to begin with, (count, C, H, W), the same every time."""
    generator = torch.Generator().manual_seed(context.spec.seeds[0])
    return torch.randn((count, *context.trajectory.backbone.latent_shape), generator=generator)


def component(bases: Sequence[Basis], number: int, shape: tuple[int, ...]) -> Learned:
    """The N-th direction of the first basis, carried to the others, and the mean of all of these on the sphere."""
    first, own = bases[0], signed(bases[0].outputs[number - 1])
    carried = torch.stack([own, *(each.transported(own) for each in bases[1:])])
    lengths = carried.norm(dim=1)
    mean = frechet_mean(unit(carried[lengths > LEAST]))
    measured = {
        "component": float(number),
        "singular_value": float(first.values[number - 1]),
        "iterations": float(first.iterations),
        "turned": first.turned,
        "agreement": float((unit(carried) @ mean).mean()),
    }
    if len(bases) > 1:
        measured["carried"] = float(lengths[1:].mean())
    return Learned({"feature": mean.reshape(shape)}, {"measured": measured})
