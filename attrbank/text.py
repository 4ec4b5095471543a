"""Text from outside: what it may be, and how it is made safe to show."""

from __future__ import annotations

import shlex
from typing import Literal

NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,63}"
"""Of names of attributes, and of all else that users name."""

TIME_PATTERN = r"([01]?\.[0-9]{1,6})(?:\.\.([01]?\.[0-9]{1,6}))?"
"""Of a time at which an attribute is to act, 0.3, or of an interval, 0.8..0.2."""

Dtype = Literal["float32", "float16", "bfloat16"]
"""What a precision may be called."""

MAX_SEEDS = 100_000
SEED_LIMIT = 2**63
"""Seeds lie below."""


def printable(text: str) -> str:
    """The text on one line, without control characters.

    Line breaks and tabs become spaces. Escape sequences lose the escape character, and what
    reorders or hides text (Unicode category Cf) goes too; nothing is left for a terminal to obey.
    """
    if text.isprintable():
        return text
    spaced = (" " if character.isspace() else character for character in text)
    return "".join(character for character in spaced if character.isprintable())


def quoted(word: str) -> str:
    """A word for a POSIX shell; what a terminal would not show, or obey, is spelled as bytes (``$'…'``)."""
    if word.isprintable():
        return shlex.quote(word)
    spelled = (c if c.isprintable() and c not in "\\'" else _octal(c) for c in word)
    return f"$'{''.join(spelled)}'"


def _octal(character: str) -> str:
    """Three digits a byte, which no digit that follows can lengthen."""
    return "".join(f"\\{byte:03o}" for byte in character.encode(errors="surrogateescape"))
