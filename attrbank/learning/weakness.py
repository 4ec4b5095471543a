"""What is said of an attribute that explains next to nothing of what it was learned from."""

from __future__ import annotations

from attrbank.schema.asked import LearnSpec

LEAST_EXPLAINED = 0.02
"""Between what shows and what does not, on ``portraits`` (docs/notes.md): a smile from one pair explains .025 of all
change and comes in .88 of the pictures, the same from 24 seeds .01, and is hard to see."""

FEWEST = 8
"""Held-out figures of fewer seeds, or pictures, say nothing."""


def weak_warnings(spec: LearnSpec, explained: float | None) -> list[str]:
    """One clause if an attribute explains next to nothing on held-out seeds; none if it does, or nobody can say."""
    if explained is None or explained >= LEAST_EXPLAINED or len(spec.pictures or spec.seeds) < FEWEST:
        return []
    much = f"{100 * explained:.0f} %" if explained >= 0.005 else "nothing"
    what = "the prompts change" if spec.pairs else "tells the pictures apart"
    return [f"{spec.name} explains {much} of what {what}: it will hardly show"]
