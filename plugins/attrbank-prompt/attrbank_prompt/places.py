"""Which position of one prompt is which of another, as prompt-to-prompt's kinds of edit have it.

All is one matrix and two vectors over the L positions of a prompt. Attention to the target's positions is then

    (A_source · carried + new · A_target) · (1 + weighted · (s − new)),

where ``new`` is 1 at what the source lacks, and ``weighted`` 1 at what strength s scales: a word that the source has
weighs 1 + s, and one that it lacks s.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import product

import torch
from torch import Tensor

from attrbank.plugin import InvalidValueError, LearnContext, Learned, TokenSpans, occurrences, token_spans_of
from attrbank_prompt.hearing import difference
from attrbank_prompt.parameters import NO_WORD, Parameters

WANTED_BY = "The method 'prompt-to-prompt'"


def learn(context: LearnContext, asked: Parameters) -> Learned:
    """What is heard of both prompts, and where their words are.

    Raises:
        InvalidValueError: the prompts cannot be edited like this, or lack a word that was named.
    """
    model, pair = context.trajectory.backbone, context.spec.pairs[0]
    source, target = (Spelled.by(model, prompt) for prompt in (pair.source, pair.target))
    carried = replaced(source, target) if asked.edit == "replace" else refined(source, target)
    new = (carried.sum(0) == 0).float() if asked.edit != "replace" else torch.zeros(len(target.tokens))
    weighted = weights(target, new, asked) if asked.edit == "reweight" else torch.zeros_like(new)
    where = {"carried": carried, "new": new, "weighted": weighted}
    if asked.blend != NO_WORD:
        where |= blended(source, target, asked.blend)
    return Learned({**difference(model, pair), **where})


class Spelled:
    """A prompt, and the tokens at its positions.

    Attributes:
        prompt: in lower case.
        spans: of characters, one for each position; empty for what begins, ends or fills up the sequence.
    """

    def __init__(self, prompt: str, spans: Sequence[tuple[int, int]]) -> None:
        self.prompt, self.spans = prompt.lower(), tuple(spans)

    @classmethod
    def by(cls, model: object, prompt: str) -> Spelled:
        """As the model's first text encoder spells it; a second has positions of the same sequence."""
        first: TokenSpans = token_spans_of(model, prompt, WANTED_BY)[0]
        return cls(prompt, first.spans)

    @property
    def tokens(self) -> list[str]:
        """What each position spells, "" for nothing."""
        return [self.prompt[first:last] for first, last in self.spans]

    def at(self, found: Sequence[tuple[int, int]]) -> list[int]:
        """The positions that spell a part of these characters."""
        return [
            position
            for position, (first, last) in enumerate(self.spans)
            if any(max(first, start) < min(last, end) for start, end in found)
        ]

    @property
    def words(self) -> list[list[int]]:
        """The positions of each word, in order."""
        begins = 0
        found = []
        for word in self.prompt.split():
            begins = self.prompt.index(word, begins)
            found.append(self.at([(begins, begins + len(word))]))
            begins += len(word)
        return found

    @property
    def rest(self) -> list[int]:
        """The positions behind the last word."""
        last = max((position for word in self.words for position in word), default=0)
        return list(range(last + 1, len(self.spans)))


def refined(source: Spelled, target: Spelled) -> Tensor:
    """Which position of the source, (L, L'), each of the target's is, if it is one: the longest that both have."""
    carried = torch.zeros(len(source.tokens), len(target.tokens))
    matcher = SequenceMatcher(None, source.tokens, target.tokens, autojunk=False)
    for first, other, length in matcher.get_matching_blocks():
        for step in range(length):
            carried[first + step, other + step] = 1
    return carried


def replaced(source: Spelled, target: Spelled) -> Tensor:
    """The same word by word, (L, L'); one that is spelled by more tokens shares its attention among them.

    Raises:
        InvalidValueError: one prompt has more words.
    """
    words, others = source.words, target.words
    if len(words) != len(others):
        raise InvalidValueError(
            f"The prompts have {len(words)} and {len(others)} words, so that none stands in the place of another.",
            hint="Give as many, or take edit=refine.",
        )
    carried = torch.zeros(len(source.tokens), len(target.tokens))
    carried[0, 0] = 1  # what begins the sequence
    for word, other in zip(words, others, strict=True):
        for (number, first), (place, second) in product(enumerate(word), enumerate(other)):
            carried[first, second] = float(number == place) if len(word) == len(other) else 1 / len(other)
    for number, position in enumerate(source.rest):
        carried[position, target.rest[min(number, len(target.rest) - 1)]] = 1
    return carried


def weights(target: Spelled, new: Tensor, asked: Parameters) -> Tensor:
    """1 at the words that strength scales, (L',).

    Raises:
        InvalidValueError: there are none.
    """
    spells = torch.tensor([float(token != "") for token in target.tokens])
    found = new * spells if asked.word == NO_WORD else mask(target, asked.word)
    if not found.any():
        lacking = "no word that the source lacks" if asked.word == NO_WORD else f"no word {asked.word!r}"
        raise InvalidValueError(
            f"The target prompt has {lacking}, whose weight could be another.", hint="Name one of its words as word=."
        )
    return found


def mask(spelled: Spelled, word: str) -> Tensor:
    """1 at the positions that spell a word or phrase, (L,)."""
    found = torch.zeros(len(spelled.spans))
    found[spelled.at(occurrences(spelled.prompt, [word]))] = 1
    return found


def blended(source: Spelled, target: Spelled, word: str) -> dict[str, Tensor]:
    """Where each prompt has the word at which pictures are blended.

    Raises:
        InvalidValueError: neither has it.
    """
    places = {"blend.source": mask(source, word), "blend.target": mask(target, word)}
    if not any(place.any() for place in places.values()):
        raise InvalidValueError(f"Neither prompt has the word {word!r}, at which to blend.", hint="Name one as blend=.")
    return places
