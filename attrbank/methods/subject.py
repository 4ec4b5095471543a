"""Whom a pair of prompts is about: the noun at whose tokens a text direction acts."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from attrbank.schema.asked import PromptPair

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[,.;:]")
_PICTURE = re.compile("photo|photograph|picture|image|portrait|painting|drawing|sketch|render|close-up")
_END = re.compile(
    "[,.;:]|with|without|in|on|at|by|from|of|to|for|under|near|behind|who|which|that|is|are|was|and|or|not|"
    "wearing|holding|looking|standing|sitting"
)
_IDLE = re.compile("a|an|the|one|some|his|her|their")


def subject_of(pair: PromptPair) -> str | None:
    """The noun that both prompts share: the last word of the first phrase, behind "a photo of"; None if there is none.

    "a photo of a serious man with a hat" and "a photo of a smiling man with a hat" are about *man*; so are "a man" and
    "a man, smiling". Where the subject itself is what changes, as from "a man" to "a woman", there is none.
    """
    source, target = (_WORD.findall(prompt.lower()) for prompt in (pair.source, pair.target))
    matcher = SequenceMatcher(None, source, target, autojunk=False)
    shared = {place for block in matcher.get_matching_blocks() for place in range(block.a, block.a + block.size)}
    telling = [source[place] for place in _phrase(source) if place in shared and not _is_idle(source[place])]
    return telling[-1] if telling else None


def _phrase(words: list[str]) -> range:
    """The places of the first phrase that is not about the picture itself."""
    begin = 0
    for place, word in enumerate(words):
        if word == "of" and any(map(_PICTURE.fullmatch, words[begin:place])):
            begin = place + 1
        elif _END.fullmatch(word) and place > begin:
            return range(begin, place)
    return range(begin, len(words))


def _is_idle(word: str) -> bool:
    return any(pattern.fullmatch(word) for pattern in (_IDLE, _PICTURE, _END))
