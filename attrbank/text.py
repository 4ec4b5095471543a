"""Text from outside, made safe to show and to keep."""

from __future__ import annotations

from attrbank.errors import InvalidValueError


def printable(text: str) -> str:
    """The text on one line, without control characters.

    Line breaks and tabs become spaces. Escape sequences lose the escape character, and what
    reorders or hides text (Unicode category Cf) goes too; nothing is left for a terminal to obey.
    """
    if text.isprintable():
        return text
    spaced = (" " if character.isspace() else character for character in text)
    return "".join(character for character in spaced if character.isprintable())


def check_text(text: str | None, what: str, longest: int) -> None:
    """Refuse what a record could not hold.

    Raises:
        InvalidValueError: the text is too long, or no valid Unicode.
    """
    if text is None:
        return
    lone_surrogate = any("\ud800" <= character <= "\udfff" for character in text)
    if len(text) > longest or lone_surrogate:
        raise InvalidValueError(f"{what} must be valid text of at most {longest} characters.", hint="Shorten it.")
