"""How prompt-to-prompt acts: attention of the unedited picture in that of the edited one, and what lies outside."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from attrbank.plugin import (
    Attend,
    Backbone,
    Conditioning,
    IncompatibleError,
    InvalidValueError,
    Layer,
    Pair,
    Place,
    Wants,
    attention_of,
)
from attrbank_prompt.blending import Blend
from attrbank_prompt.hearing import towards
from attrbank_prompt.parameters import NO_WORD, Parameters
from attrbank_prompt.places import WANTED_BY
from attrbank_prompt.steps import Steps


@dataclass(frozen=True, eq=False)
class Paired:
    """What is heard is the target prompt, and where it is looked is where the unedited picture looks.

    Attributes:
        asked: the settings.
        tensors: as ``places.learn`` makes them.
        t_x, until: the time fractions between which it acts.
    """

    asked: Parameters
    tensors: Mapping[str, Tensor]
    t_x: float
    until: float

    def heard(self, conditioning: Conditioning, places: Sequence[Place], strength: float) -> Conditioning:
        """The target prompt, as far as strength goes; if that scales attention, all of it."""
        return towards(conditioning, self.tensors, 1.0 if self.asked.edit == "reweight" else strength)

    def beside(self, unedited: Backbone, edited: Backbone, strength: float) -> Pair:
        """Both models, of which one looks on and the other looks where that has looked.

        Raises:
            IncompatibleError: a model shows no attention, or something else than an attention was changed in it.
        """
        steps = Steps(unedited.schedule.train_timesteps, self.t_x, self.until)
        looking = _Looking(self, steps, strength)
        blend = Blend(self.asked, self.tensors, steps) if self.asked.blend != NO_WORD else None
        before = _attending(unedited, looking.show, looking.wants, blend.look_at_unedited if blend else None)
        after = _attending(edited, looking.follow, looking.wants, blend.look_at_edited if blend else None)
        return Pair(before, after, blend.settle if blend else _as_it_is)


class _Looking:
    """Where the unedited picture looks, kept until the edited one has come as far, call by call and layer by layer."""

    def __init__(self, edit: Paired, steps: Steps, strength: float) -> None:
        self._asked, self._steps = edit.asked, steps
        self._carried, self._new = edit.tensors["carried"], edit.tensors["new"]
        self._weights = 1 + edit.tensors["weighted"] * (strength - self._new)
        self._seen = defaultdict[Layer, deque[Tensor]](deque)

    def wants(self, layer: Layer) -> bool:
        """What it ever changes."""
        if layer.cross:
            return self._asked.cross > 0 or bool((self._weights != 1).any())
        return self._asked.own > 0 and max(layer.size) <= self._asked.largest

    def show(self, probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        """Of the unedited picture: keep it."""
        if self._follows(layer, timestep):
            self._seen[layer].append(probabilities)
        return probabilities

    def follow(self, probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
        """Of the edited one: look there, too; (B, heads, Q, K)."""
        source = self._taken(layer) if self._follows(layer, timestep) else None
        if not layer.cross:
            return probabilities if source is None else source
        if source is not None:
            probabilities = source @ self._carried + self._new * probabilities
        return probabilities * self._weights

    def _follows(self, layer: Layer, timestep: int) -> bool:
        return self._steps.within(timestep, self._asked.cross if layer.cross else self._asked.own)

    def _taken(self, layer: Layer) -> Tensor:
        if not self._seen[layer]:
            raise InvalidValueError(
                f"{WANTED_BY} cannot act together with an edit that asks the model more often than once a step.",
                hint="Let one begin where the other ends, as in NAME@1.0..0.6 and OTHER@0.5..0.0.",
            )
        return self._seen[layer].popleft()


def _attending(model: Backbone, change: Attend, wants: Wants, look: Attend | None) -> Backbone:
    """The model with a change of its attention, and then a look at what attention to the prompt has become.

    Raises:
        IncompatibleError: it shows none, or what it says has been changed elsewhere than in its network.
    """
    attending = attention_of(model, WANTED_BY).attending(change, wants)
    if type(attending) is not type(model):
        raise IncompatibleError(
            f"{WANTED_BY} cannot act together with an edit that changes what the model says.",
            hint="Let one begin where the other ends, as in NAME@1.0..0.6 and OTHER@0.5..0.0.",
        )
    return attending if look is None else attention_of(attending, WANTED_BY).attending(look, _to_the_prompt)


def _to_the_prompt(layer: Layer) -> bool:
    return layer.cross


def _as_it_is(unedited: Tensor, edited: Tensor) -> Tensor:
    """What nothing settles."""
    return edited
