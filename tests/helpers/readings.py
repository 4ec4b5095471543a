"""What oracles see, made by hand: without pictures, and without an oracle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from attrbank.backbones.portraits.parameters import KINDS, Portraits
from attrbank.backbones.portraits.visible import READ_KINDS, READ_NUMBERS, numbers
from attrbank.evaluation.judges.oracle import Reading
from attrbank.evaluation.judges.readings import GOALS, Pictures

NEVER = -1e4
"""A logit of what is surely not there."""


def truth_of(people: Portraits) -> Reading:
    """What a perfect oracle reads."""
    kinds = {name: people.column(name).long() for name in READ_KINDS}
    sure = {name: functional.one_hot(kind, len(KINDS[name])) for name, kind in kinds.items()}
    return Reading(numbers(people), {name: NEVER * (1 - hot.float()) for name, hot in sure.items()})


def showing(effects: Tensor, goal: str, identity: Tensor | None = None, features: Sequence[Tensor] = ()) -> Pictures:
    """Pictures of middle-aged people who differ in one thing: by these effects (B,) in what a goal promises.

    Args:
        effects: above 0 where it is kept; of what is worn, the probability's logit.
        goal: one of ``GOALS``.
        identity: what is read of the first part of the identity, (B,).
        features: the stages' activations.
    """
    count, promised = len(effects), GOALS[goal]
    read, kinds = torch.zeros(count, len(READ_NUMBERS)), {}
    read[:, READ_NUMBERS.index("age")] = read[:, READ_NUMBERS.index("build")] = 0.5
    for name in READ_KINDS:
        kinds[name] = torch.full((count, len(KINDS[name])), NEVER)
        kinds[name][:, 0] = 0
    if promised.value in kinds:
        kinds[promised.value][:, int(promised.perfect)] = effects
    else:
        rises = promised.low > -torch.inf
        read[:, READ_NUMBERS.index(promised.value)] = promised.low + effects if rises else promised.high - effects
    if identity is not None:
        read[:, READ_NUMBERS.index("skin")] = identity
    return Pictures(Reading(read, kinds), tuple(features), effects[:, None])
