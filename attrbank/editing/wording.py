"""Attributes that act at words of a prompt: at which, and whether it has them; known before a model is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from attrbank.diffusion.protocols import Description
from attrbank.diffusion.spelling import places_of, token_spans_of
from attrbank.editing.request import ApplyRequest
from attrbank.errors import InvalidValueError
from attrbank.text import printable


def words_for(request: ApplyRequest, own: tuple[str, ...]) -> tuple[str, ...]:
    """The word that the user names, else the attribute's own; none for an attribute that acts at no words."""
    return (request.on,) if own and request.on else own


def refuse_idle_word(request: ApplyRequest, taken: Sequence[tuple[str, ...]]) -> None:
    """Refuse a word that no attribute makes use of.

    Args:
        request: what was asked for.
        taken: the words of each attribute.

    Raises:
        InvalidValueError: there is one.
    """
    if request.on and not any(taken):
        raise InvalidValueError(
            f"None of these attributes acts at words of the prompt, such as {printable(request.on)!r}.",
            hint="Leave --on out; attributes that are learned with --method text act at words.",
        )


def check_words(name: str, words: tuple[str, ...], model: Description, prompt: str) -> None:
    """Does nothing if an attribute finds its words in a prompt, or acts at none.

    Raises:
        IncompatibleError: the model does not tell where words are.
        InvalidValueError: the prompt has none of them, or none that the model reads.
    """
    if words:
        places_of(token_spans_of(model, prompt, name), prompt, words, name)
