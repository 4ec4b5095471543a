"""What an attribute's name promises of a figure, and what asks the model for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from attrbank_avatars.truth import values_of


class Goal(NamedTuple):
    """A promise about one figure.

    Attributes:
        trait: one of ``TRAITS_READ``.
        values: those of its values that keep the promise.
        edit: the traits that the perfect edit sets.
        by_right: further traits that it may change: what "man" and "woman" mean here is hair and beard.
    """

    trait: str
    values: tuple[str, ...]
    edit: Mapping[str, str]
    by_right: tuple[str, ...] = ()

    def possible_in(self, style: str) -> bool:
        """Whether the designer drew what the perfect edit needs."""
        return all(value in values_of(style, name) for name, value in self.edit.items())


GOALS: Mapping[str, Goal] = MappingProxyType(
    {
        "smile": Goal("mood", ("smiling", "laughing"), {"mood": "smiling"}),
        "sad": Goal("mood", ("sad",), {"mood": "sad"}),
        "surprised": Goal("mood", ("surprised",), {"mood": "surprised"}),
        "glasses": Goal("eyewear", ("glasses", "sunglasses"), {"eyewear": "glasses"}),
        "sunglasses": Goal("eyewear", ("sunglasses",), {"eyewear": "sunglasses"}),
        "hat": Goal("hat", ("hat",), {"hat": "hat"}),
        "beard": Goal("facial", ("beard",), {"facial": "beard"}, ("sex",)),
        "bald": Goal("length", ("bald",), {"length": "bald"}, ("sex",)),
        "long-hair": Goal("length", ("long",), {"length": "long"}, ("sex",)),
        "man": Goal("sex", ("man",), {"length": "short"}, ("length", "facial")),
        "woman": Goal("sex", ("woman",), {"length": "long", "facial": "none"}, ("length", "facial")),
    }
)

PROMPTS: Mapping[str, str] = MappingProxyType(
    {
        "smile": "a picture of a person, smiling",
        "sad": "a picture of a person, sad",
        "surprised": "a picture of a person, surprised",
        "glasses": "a picture of a person with glasses",
        "sunglasses": "a picture of a person with sunglasses",
        "hat": "a picture of a person with a hat",
        "beard": "a picture of a person with a beard",
        "bald": "a picture of a person, bald",
        "long-hair": "a picture of a person with long hair",
        "man": "a picture of a man",
        "woman": "a picture of a woman",
    }
)
"""What asks the model for each goal and for nothing else."""

_NEVER_TOGETHER = ({"woman", "beard"}, {"woman", "bald"})


def exclude(one: str, other: str) -> bool:
    """Whether no figure keeps both promises."""
    same = GOALS[one].trait == GOALS[other].trait and not set(GOALS[one].values) & set(GOALS[other].values)
    return same or {one, other} in _NEVER_TOGETHER
