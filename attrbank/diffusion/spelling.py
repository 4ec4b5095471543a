"""Where the words of a prompt stand in what a model makes of it.

A backbone that can tell has ``token_spans``; one whose text encoder cannot be read so closely lacks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.text import printable

Span: TypeAlias = tuple[int, int]
"""From one character of a prompt to before another; empty where a token spells none."""


class TokenSpans(NamedTuple):
    """How one text encoder spells a prompt.

    Attributes:
        encoder: what the model calls it; a model may have two.
        tensor: the tensor of the conditioning that it makes, (B, length, D).
        columns: which of the D features are its own, from and before.
        spans: for each position along the length the characters that its token spells; none for what begins, ends or
            fills up the sequence.
    """

    encoder: str
    tensor: str
    columns: tuple[int, int]
    spans: tuple[Span, ...]


class Place(NamedTuple):
    """Where in a conditioning some words stand, in what one encoder makes.

    Attributes:
        encoder, tensor, columns: as ``TokenSpans`` has them.
        positions: along the length, at least one.
    """

    encoder: str
    tensor: str
    columns: tuple[int, int]
    positions: tuple[int, ...]


def token_spans_of(model: Any, prompt: str, wanted_by: str) -> tuple[TokenSpans, ...]:
    """How each text encoder of a model, or of its description, spells a prompt.

    Args:
        model: which may have ``token_spans``.
        prompt: what is spelled.
        wanted_by: who acts at words of prompts, for the message.

    Raises:
        IncompatibleError: the model has no ``token_spans``.
    """
    say = getattr(model, "token_spans", None)
    if say is None:
        raise IncompatibleError(
            f"{wanted_by} acts at words of the prompt, and {model.name} does not tell where they are: "
            "it has no token_spans.",
            hint="Models with text encoders of CLIP alone have it, as Stable Diffusion up to XL.",
        )
    return tuple(say(prompt))


def occurrences(prompt: str, words: Sequence[str]) -> list[Span]:
    """Where whole words, or phrases, stand in a prompt, whatever their case."""
    return [
        match.span()
        for word in dict.fromkeys(words)
        for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", prompt, re.IGNORECASE)
    ]


def require_word(prompt: str, words: Sequence[str], wanted_by: str) -> None:
    """Does nothing if one of the words is in the prompt.

    Raises:
        InvalidValueError: none is.
    """
    if occurrences(prompt, words):
        return
    listed = ", ".join(printable(word) for word in words)
    none = f"does not have the word {listed}" if len(words) == 1 else f"has none of the words {listed}"
    raise InvalidValueError(
        f"The prompt {printable(prompt)!r} {none}, at which {wanted_by} acts.",
        hint="Name a word of the prompt with --on, in Python on=.",
    )


def places_of(encoders: Sequence[TokenSpans], prompt: str, words: Sequence[str], wanted_by: str) -> tuple[Place, ...]:
    """Where all occurrences of some words stand, for every encoder.

    Raises:
        InvalidValueError: none of the words is in the prompt, or none so early that the model reads it.
    """
    require_word(prompt, words, wanted_by)
    found = occurrences(prompt, words)
    places = tuple(
        Place(encoder, tensor, columns, tuple(_touching(spans, found))) for encoder, tensor, columns, spans in encoders
    )
    if not all(place.positions for place in places):
        raise InvalidValueError(
            f"The prompt is too long: the model does not read the word at which {wanted_by} acts.",
            hint="Say it earlier in the prompt.",
        )
    return places


def check_spans(prompt: str, spans: Sequence[Span]) -> str | None:
    """What is wrong with the spans of a prompt that is read to its end; None if they spell it.

    They lie in the prompt, one behind the other, and together spell every character that is no space.
    """
    spelled = [span for span in spans if span[0] != span[1]]
    if any(not 0 <= start < end <= len(prompt) for start, end in spelled):
        return "a span leaves the prompt"
    if any(later[0] < former[1] for former, later in pairwise(spelled)):
        return "spans overlap, or go back"
    said = {place for start, end in spelled for place in range(start, end)}
    missed = [character for place, character in enumerate(prompt) if place not in said and not character.isspace()]
    return f"no position spells {''.join(missed)!a}" if missed else None


def _touching(spans: Sequence[Span], found: Sequence[Span]) -> Iterator[int]:
    """Positions that spell a part of what was found; a token on its border counts."""
    for position, (start, end) in enumerate(spans):
        if any(max(start, first) < min(end, last) for first, last in found):
            yield position
