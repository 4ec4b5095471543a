"""What a prompt says against an attribute, and how the edited picture goes on without it.

Under "a photo of a serious man" the network takes a smile back that was added late on the way. What is against an
attribute its pairs know: the words of their sources in whose place the targets say something else, and those that the
targets' own words exclude. Once the attribute has acted, the edited picture goes on under the prompt without them,
which costs nothing (docs/method.md 5.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import cache, partial

from attrbank.diffusion.spelling import occurrences
from attrbank.methods.varying import excluded_by
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord

MOST_WORDS = 100
"""Of a prompt that are compared; text encoders read fewer, and a record may hold any."""

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})
_JOINTS = frozenset({"with", "without", "no", "not", "wearing"})
"""Words that say nothing without the one behind them."""
_ANYBODY = frozenset({"person", "human", "figure", "character", "animal", "people", "someone"})
_PEOPLE = ("man", "woman", "boy", "girl", "child", "kid", "lady", "gentleman", "guy")
_INSTEAD = dict.fromkeys(_PEOPLE, "person") | dict.fromkeys(("dog", "cat", "horse"), "animal")
"""Who is left out of a prompt is still somebody."""


def opposed_to(record: AttributeRecord, strength: float) -> tuple[str, ...]:
    """What a prompt may say that is against an attribute, in lower case: "serious", "without glasses", "woman".

    Below 0 it is what the targets say, and at 0 nothing is.
    """
    return () if strength == 0 else _opposed(record.pairs, strength > 0)


def are_opposites(one: AttributeRecord, other: AttributeRecord) -> bool:
    """Whether each goes to what is against the other: *old* to "old", and *young* to "young"."""
    return _goes_against(one, other) and _goes_against(other, one)


def _goes_against(one: AttributeRecord, other: AttributeRecord) -> bool:
    against = opposed_to(other, 1.0)
    return any(
        phrase not in said_of(pair.source, against) for pair in one.pairs for phrase in said_of(pair.target, against)
    )


def said_of(prompt: str, phrases: Sequence[str]) -> list[str]:
    """Those of the phrases that the prompt says, each as a whole."""
    return [phrase for phrase in phrases if _pattern(phrase).search(prompt)]


def apart_from(phrases: Sequence[str], words: Sequence[str]) -> list[str]:
    """Those of the phrases that say none of these words, at which other edits act: without them they could not."""
    return [phrase for phrase in phrases if not occurrences(phrase, words)]


def without(prompt: str, phrases: Sequence[str]) -> str:
    """The prompt without these phrases: "a photo of an old man, serious" without "old" is "a photo of a man, serious".

    Where a phrase says who it is, "person" takes its place. A prompt that says none of them stays as it is.
    """
    for phrase in said_of(prompt, phrases):
        left = _pattern(phrase).sub(partial(_joined, _INSTEAD.get(phrase, "")), prompt)
        prompt = " ".join(left.split()).strip(" ,")
    return prompt


@cache
def _opposed(pairs: tuple[PromptPair, ...], forwards: bool) -> tuple[str, ...]:
    both = ((pair.source, pair.target) if forwards else (pair.target, pair.source) for pair in pairs)
    return tuple(dict.fromkeys(phrase for sides in both for phrase in (*_replaced(*sides), *excluded_by(*sides))))


def _replaced(one: str, other: str) -> Iterator[str]:
    """What the first prompt says where the second says something else, or nothing."""
    words, others = (_WORD.findall(prompt.lower())[:MOST_WORDS] for prompt in (one, other))
    changes = SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
    for kind, first, last, *_ in changes:
        phrase = _whole(words, first, last) if kind in ("replace", "delete") else []
        if phrase and not _ANYBODY.issuperset(phrase):
            yield " ".join(phrase)


def _whole(words: Sequence[str], first: int, last: int) -> Sequence[str]:
    """These words without articles before them, and with what they need behind them to say something."""
    while first < last and words[first] in _ARTICLES:
        first += 1
    while first < last < len(words) and words[last - 1] in _JOINTS | _ARTICLES:
        last += 1
    return words[first:last]


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    """The phrase with the comma before it or an article, and the letter that follows."""
    spaced = r"\s+".join(map(re.escape, phrase.split()))
    return re.compile(rf"(?P<comma>\s*,\s*)?(?:\b(?P<article>an?)\s+)?\b{spaced}\b(?P<rest>\s*(?P<next>\w)?)", re.I)


def _joined(instead: str, found: re.Match[str]) -> str:
    """What takes the place of a phrase, with what stood around it."""
    comma, article, following = found["comma"] or "", found["article"], found["next"] or ""
    if instead:
        article = f"{'an' if instead[0] in 'aeiou' else 'a'} " if article else ""
        return f"{comma}{article}{instead}{found['rest']}"
    if not following:
        return ""
    if article:
        article = "an " if following.lower() in "aeiou" else "a "
    return f"{' ' if comma else ''}{article or ''}{following}"
