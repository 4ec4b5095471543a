"""Which pair of prompts has its turn at which of an edit's times."""

from __future__ import annotations

from collections.abc import Sequence

from attrbank.schema.asked import PromptPair


def pair_of(pairs: Sequence[PromptPair], turn: int, times: int) -> PromptPair:
    """The next one each time; where there are more pairs than times some are left out, here and there."""
    return pairs[turn * len(pairs) // times if len(pairs) > times else turn % len(pairs)]
