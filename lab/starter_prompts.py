"""What the starter attributes are learned from: prompts with the attribute and without, everything else named alike."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

NEUTRAL = "a photo of a person"

# What each attribute says on the source's and on the target's side, and which others its pairs name.
SIDES: dict[str, tuple[dict[str, str], dict[str, str], tuple[str, ...]]] = {
    "young": ({"age": "old"}, {"age": "young"}, ("who", "mood", "glasses", "beard")),
    "old": ({"age": "young"}, {"age": "old"}, ("who", "mood", "glasses")),
    "smile": ({"mood": "serious"}, {"mood": "smiling"}, ("who", "age", "glasses")),
    "serious": ({"mood": "smiling"}, {"mood": "serious"}, ("who", "age", "glasses")),
    "man": ({"who": "woman"}, {"who": "man"}, ("age", "mood", "hat")),
    "woman": ({"who": "man"}, {"who": "woman"}, ("age", "mood", "hat")),
    "glasses": ({"glasses": "without glasses"}, {"glasses": "with glasses"}, ("who", "age", "mood")),
    "hat": ({"hat": "without a hat"}, {"hat": "with a hat"}, ("who", "age", "mood")),
    "beard": ({"beard": "without a beard"}, {"beard": "with a beard"}, ("who", "age", "mood")),
}
# What all pairs but the first name alike on both sides: without this, a man mostly comes with a beard.
NAMED: dict[str, dict[str, str]] = {"man": {"beard": "without a beard"}}
# Where each target's run leaves the source's, as it was best on tuning seeds (docs/notes.md).
BRANCHES = {"smile": 0.8, "serious": 0.8, "hat": 1.0}
OTHER_BRANCH = 0.9
_WORDS = {
    "who": ("woman", "man"),
    "age": ("young", "old"),
    "mood": ("serious", "smiling"),
    "glasses": ("without glasses", "with glasses"),
    "hat": ("without a hat", "with a hat"),
    "beard": ("without a beard", "with a beard"),
}


def prompt(named: Mapping[str, str]) -> str:
    """A prompt that says this: ``{"age": "old", "mood": "serious"}`` to "a photo of an old person, serious"."""
    who = " ".join([*([named["age"]] if "age" in named else []), named.get("who", "person")])
    clauses = [named[topic] for topic in _WORDS if topic in named and topic not in {"age", "who"}]
    return ", ".join([f"a photo of {'an' if who[0] == 'o' else 'a'} {who}", *clauses])


def pairs(name: str) -> list[tuple[str, str]]:
    """The attribute's prompt pairs: the neutral one first, then every combination of its context."""
    source, target, others = SIDES[name]
    # The first source is what ``apply`` draws if no prompt is given: for "young" it is somebody who is not.
    found = [("a photo of a man", "a photo of a young man") if name == "young" else (NEUTRAL, prompt(target))]
    for words in itertools.product(*(_WORDS[topic] for topic in others)):
        context = NAMED.get(name, {}) | dict(zip(others, words, strict=True))
        if context.get("who") == "woman":
            context.pop("beard", None)  # of women the model has hardly seen any
        found.append((prompt({**context, **source}), prompt({**context, **target})))
    return list(dict.fromkeys(found))
