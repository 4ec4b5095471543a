"""``learn --keep``: one pair made several, which name on both sides what is to stay as it is.

What prompts leave open goes with what they ask for: in most data beards are men's, so that "a person" to "a person with
a beard" also makes everybody a man. Pairs that say "man" on both sides, and "woman", have nothing of that between them.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

from attrbank.diffusion.protocols import Description
from attrbank.errors import InvalidValueError
from attrbank.methods.varying import VARIES
from attrbank.schema.asked import PromptPair
from attrbank.text import printable

MOST = 32
"""Combinations: with 64 seeds, each is learned from two."""

USUAL = 8
"""Combinations that are proposed: three groups of two, as the starter bank's pairs have."""

_ANYBODY = re.compile(r"\b(?:(an?) )?(person|human|figure|character|animal)\b", re.IGNORECASE)
_SUBJECTS = re.compile(
    r"(?:.* )?(man|woman|boy|girl|child|baby|kid|teenager|lady|gentleman|guy|cat|dog|horse|bird)", re.IGNORECASE
)


def multiplied(pairs: Sequence[PromptPair], keep: Sequence[str]) -> tuple[PromptPair, ...]:
    """The pairs, and after them each once more for every combination of one word of each group.

    The pairs as they were come first: what an attribute belongs to by itself, such as its prompt, is the first pair's.

    Args:
        pairs: of prompts.
        keep: groups of words that exclude each other, such as "man,woman".

    Raises:
        InvalidValueError: a group is empty, there are more than ``MOST`` combinations, or a prompt says already what
            is to be kept.
    """
    groups = [_words(group) for group in keep]
    count = len(pairs) * math.prod(map(len, groups))
    if not groups:
        return tuple(pairs)
    if count > MOST:
        hint = "Keep fewer words: two or three groups of two are usual."
        raise InvalidValueError(f"--keep makes {count} pairs, but {MOST} are the most that can be learned from.", hint)
    return (*pairs, *(_kept(pair, words) for words in itertools.product(*groups) for pair in pairs))


def proposed(pair: PromptPair, model: Description, seeds: int) -> list[str]:
    """Groups that one pair does not name, and that the model knows, for ``--keep``; none where nobody is a person.

    Args:
        pair: the only one.
        model: that is to learn from it.
        seeds: how many there are: every combination takes one.
    """
    sides = (pair.source, pair.target)
    if not all(_ANYBODY.search(side) for side in sides) or any(_names_somebody(side) for side in sides):
        return []
    found: list[str] = []
    combinations = 1
    for group in VARIES:
        is_open = not any(_says(side, word.split()[-1]) for side in sides for word in group)
        is_known = not any(model.unknown_words(word) for word in group)
        if is_open and is_known and 2 * combinations <= min(USUAL, seeds - 1):
            found.append(",".join(group))
            combinations *= 2
    return found


def _names_somebody(prompt: str) -> bool:
    return any(_is_subject(word) for word in re.findall(r"\w+", prompt.lower()))


def _words(group: str) -> list[str]:
    words = [" ".join(word.split()) for word in group.split(",")]
    if not all(words):
        hint = 'Give words that exclude each other, with commas between them: --keep "man,woman".'
        raise InvalidValueError(f"There is nothing to keep in {printable(group)!r}.", hint)
    return words


def _kept(pair: PromptPair, words: Sequence[str]) -> PromptPair:
    source, target = pair.source, pair.target
    for word in words:
        _refuse_contradiction(pair, word)
        source, target = (named(prompt, word) for prompt in (source, target))
    return PromptPair(source=source, target=target)


def named(prompt: str, word: str) -> str:
    """A prompt that also says ``word``: in the place of "person" if that names who it is, else behind a comma.

    "a photo of an old person" and "man" make "a photo of an old man"; "smiling" makes "a photo of an old person,
    smiling". A prompt that says it already stays as it is.
    """
    if _says(prompt, word):
        return prompt
    if _is_subject(word):
        return _ANYBODY.sub(lambda found: f"{_article(word)} {word}" if found[1] else word, prompt, count=1)
    return f"{prompt}, {word}" if prompt else word


def _refuse_contradiction(pair: PromptPair, word: str) -> None:
    """What a pair changes, or says otherwise, cannot be kept."""
    sides = (pair.source, pair.target)
    if len({_says(side, word) for side in sides}) == 2:
        raise InvalidValueError(f"{printable(word)!r} cannot be kept: it is what the pair changes.", "Leave it out.")
    if _is_subject(word) and not all(_says(side, word) or _ANYBODY.search(side) for side in sides):
        raise InvalidValueError(
            f"{printable(word)!r} cannot be kept: a prompt of the pair does not leave open who it is.",
            hint='Say "person" in both prompts, or leave the word out.',
        )


def _says(prompt: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", prompt, re.IGNORECASE) is not None


def _is_subject(word: str) -> bool:
    return _SUBJECTS.fullmatch(word) is not None


def _article(word: str) -> str:
    return "an" if word[0].lower() in "aeiou" else "a"
