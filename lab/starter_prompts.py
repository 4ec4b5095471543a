"""What the starter attributes are learned from: one pair of prompts each, as a user would write them."""

from __future__ import annotations

from collections.abc import Mapping

NEUTRAL = "a photo of a person"

PAIRS: Mapping[str, tuple[str, str]] = {
    "young": (NEUTRAL, "a photo of a young person"),
    "old": (NEUTRAL, "a photo of an old person"),
    "smile": (NEUTRAL, f"{NEUTRAL}, smiling"),
    "serious": (NEUTRAL, f"{NEUTRAL}, serious"),
    "sad": (NEUTRAL, f"{NEUTRAL}, looking sad"),
    "man": (NEUTRAL, "a photo of a man"),
    "woman": (NEUTRAL, "a photo of a woman"),
    "glasses": (NEUTRAL, f"{NEUTRAL}, with glasses"),
    "hat": (NEUTRAL, f"{NEUTRAL}, with a hat"),
    "beard": ("a photo of a man, without a beard", "a photo of a man, with a beard"),
    "long-hair": ("a photo of a person, with short hair", "a photo of a person, with long hair"),
}
"""Source and target prompt of each."""
