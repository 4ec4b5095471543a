"""What text encoders make of two prompts, and of what lies between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attrbank.plugin import (
    Backbone,
    Conditioning,
    IncompatibleError,
    InvalidValueError,
    LearnContext,
    Learned,
    Place,
    PromptPair,
)

HEARD = "heard."
"""Before the names of a conditioning's tensors."""


def learn(context: LearnContext) -> Learned:
    """The difference of both prompts.

    Raises:
        InvalidValueError: the model hears none.
    """
    heard = difference(context.trajectory.backbone, context.spec.pairs[0])
    if not heard:
        raise InvalidValueError(
            "The model hears no difference between the prompts.", hint="Say it in words that it knows."
        )
    return Learned(heard)


@torch.no_grad()
def difference(model: Backbone, pair: PromptPair) -> dict[str, Tensor]:
    """What the encoders make of the target less that of the source, (1, …) each; what is the same is left out."""
    source, target = (model.encode_prompts([prompt]) for prompt in (pair.source, pair.target))
    changes = {name: (target[name].float() - source[name].float()).cpu() for name in source}
    return {f"{HEARD}{name}": change for name, change in changes.items() if bool(change.any())}


def towards(conditioning: Conditioning, tensors: Mapping[str, Tensor], strength: float) -> Conditioning:
    """A conditioning that has gone s times a difference; the one given stays as it is.

    Raises:
        IncompatibleError: the difference is of other text encoders.
    """
    changes = {name.removeprefix(HEARD): tensor for name, tensor in tensors.items() if name.startswith(HEARD)}
    for name, change in changes.items():
        if name not in conditioning or change.shape[1:] != conditioning[name].shape[1:]:
            raise IncompatibleError(f"The model's text encoders make nothing like what was learned of {name!r}.")
    return {
        name: tensor + strength * changes[name].to(tensor) if name in changes else tensor
        for name, tensor in conditioning.items()
    }


@dataclass(frozen=True, eq=False)
class Interpolated:
    """What is heard lies between the prompts, or beyond them.

    Attributes:
        tensors: the difference, as ``difference`` has it.
        until: the time fraction at which it stops to act.
    """

    tensors: Mapping[str, Tensor]
    until: float

    def heard(self, conditioning: Conditioning, places: Sequence[Place], strength: float) -> Conditioning:
        """The conditioning and s times the difference."""
        return towards(conditioning, self.tensors, strength)
