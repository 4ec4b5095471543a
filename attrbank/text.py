"""Text from outside, made safe to show."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text on one line, without control characters.

    Line breaks and tabs become spaces. Escape sequences lose the escape character, and what
    reorders or hides text (Unicode category Cf) goes too; nothing is left for a terminal to obey.
    """
    if text.isprintable():
        return text
    spaced = (" " if character.isspace() else character for character in text)
    return "".join(character for character in spaced if character.isprintable())
