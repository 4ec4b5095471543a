"""What the starter attributes are learned from: prompts with the attribute and without, everything else named alike."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

NEUTRAL = "a photo of a person"

# What each attribute says on the source's and on the target's side, and which others its pairs name.
SIDES: dict[str, tuple[dict[str, int], dict[str, int], tuple[str, ...]]] = {
    "young": ({"old": 1}, {"old": 0}, ("man", "smiling", "glasses", "beard")),
    "old": ({"old": 0}, {"old": 1}, ("man", "smiling", "glasses")),
    "smile": ({"smiling": 0}, {"smiling": 1}, ("man", "old", "glasses")),
    "serious": ({"smiling": 1}, {"smiling": 0}, ("man", "old", "glasses")),
    "man": ({"man": 0}, {"man": 1}, ("old", "smiling", "hat")),
    "woman": ({"man": 1}, {"man": 0}, ("old", "smiling", "hat")),
    "glasses": ({"glasses": 0}, {"glasses": 1}, ("man", "old", "smiling")),
    "hat": ({"hat": 0}, {"hat": 1}, ("man", "old", "smiling")),
    "beard": ({"beard": 0}, {"beard": 1}, ("man", "old", "smiling")),
}
# What all pairs but the first name alike on both sides: without this, a man mostly comes with a beard.
NAMED: dict[str, dict[str, int]] = {"man": {"beard": 0}}
# Where each target's run leaves the source's, as it was best on tuning seeds (docs/notes.md).
BRANCHES = {"smile": 0.8, "serious": 0.8, "hat": 1.0}
OTHER_BRANCH = 0.9
_CLAUSES = {
    "smiling": ("serious", "smiling"),
    "glasses": ("without glasses", "with glasses"),
    "hat": ("without a hat", "with a hat"),
    "beard": ("without a beard", "with a beard"),
}


def prompt(named: Mapping[str, int]) -> str:
    """A prompt that names these attributes: ``{"old": 1, "hat": 0}`` to "a photo of an old person, without a hat"."""
    age = {1: "old ", 0: "young ", None: ""}[named.get("old")]
    noun = {1: "man", 0: "woman", None: "person"}[named.get("man")]
    clauses = [f", {words[named[name]]}" for name, words in _CLAUSES.items() if name in named]
    return f"a photo of {'an' if age == 'old ' else 'a'} {age}{noun}{''.join(clauses)}"


def pairs(name: str) -> list[tuple[str, str]]:
    """The attribute's prompt pairs: the neutral one first, then every combination of its context."""
    source, target, others = SIDES[name]
    # The first source is what ``apply`` draws if no prompt is given: for "young" it is somebody who is not.
    found = [("a photo of a man", "a photo of a young man") if name == "young" else (NEUTRAL, prompt(target))]
    for values in itertools.product((0, 1), repeat=len(others)):
        context = NAMED.get(name, {}) | dict(zip(others, values, strict=True))
        if context.get("man") == 0:
            context.pop("beard", None)  # of women the model has hardly seen any
        found.append((prompt({**context, **source}), prompt({**context, **target})))
    return list(dict.fromkeys(found))
