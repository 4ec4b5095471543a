"""How users name things: attributes, versions of them, strengths and seeds."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from attrbank.errors import InvalidValueError
from attrbank.text import MAX_SEEDS, NAME_PATTERN, SEED_LIMIT, TIME_PATTERN

VERSION = "0.1.0"
"""Which attrbank this is; ``pyproject.toml`` says the same, and a test compares them."""

MIN_PREFIX = 6

_NAME = re.compile(NAME_PATTERN)
_PREFIX = re.compile(rf"[0-9a-f]{{{MIN_PREFIX},64}}")
_SPAN = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(TIME_PATTERN)

_NAME_RULE = "A name has 1 to 64 characters from a-z, 0-9, - and _, and starts with a letter or a digit."
_TIME_RULE = "Write a time with a point, above 0 and at most 1, or two, the noisier first: smile:0.7@0.3, old@0.8..0.2."
_SEED_RULE = "Give seeds as a list or a range: 0-63, or 1,5,9."


class Reference(NamedTuple):
    """What a user wrote to point at an attribute.

    Attributes:
        text: as written.
        name: the attribute's name, or None if the text can only be the beginning of an id.
        prefix: the beginning of an id (6 to 64 hex digits), or None if the text can only be a name.
        pinned: whether both are meant, as in ``NAME@ID-PREFIX``; otherwise a name beats a prefix.
    """

    text: str
    name: str | None
    prefix: str | None
    pinned: bool


class When(NamedTuple):
    """When an attribute is to act: at a time, or from one time to another.

    Attributes:
        first: a fraction of the training timesteps, above 0 and at most 1; 1 is noise.
        last: where it stops, in [0, first); None for a single time.
    """

    first: float
    last: float | None = None

    def __str__(self) -> str:
        """As users write it: ``0.3``, or ``0.8..0.2``."""
        times = (self.first,) if self.last is None else (self.first, self.last)
        return "..".join(_with_point(time) for time in times)


class Asked(NamedTuple):
    """An attribute as a user asks for it, such as ``smile:0.7@0.3``.

    Attributes:
        reference: what ``parse_reference`` reads.
        strength: None is left to ``--rho``.
        when: None is the attribute's own time.
    """

    reference: str
    strength: float | None = None
    when: When | None = None


def validate_name(text: str) -> str:
    """The name itself, if it is one.

    Raises:
        InvalidValueError: it is not; the hint states the rule.
    """
    if not is_name(text):
        raise InvalidValueError(f"{_shown(text)} is not a name.", _NAME_RULE)
    return text


def is_name(text: str) -> bool:
    """Whether the text could be a name."""
    return _NAME.fullmatch(text) is not None


def parse_reference(text: str) -> Reference:
    """Reads ``NAME``, ``NAME@ID-PREFIX`` or ``ID-PREFIX``.

    Raises:
        InvalidValueError: the text is none of them.
    """
    name, at, prefix = text.partition("@")
    if at:
        return Reference(text, validate_name(name), _validate_prefix(prefix), pinned=True)
    return Reference(text, validate_name(text), text if _PREFIX.fullmatch(text) else None, pinned=False)


def parse_asked(text: str) -> Asked:
    """Reads ``REF[:STRENGTH][@TIME]``, as in ``young:0.7``, ``smile@0.3`` or ``old@3fa9c1:0.7@0.8..0.2``.

    What stands behind the last @ is a time if there is a point in it before any colon; no id has one.

    Raises:
        InvalidValueError: the reference is malformed, or the strength or the time is none.
    """
    body, at, time = text.rpartition("@")
    timed = bool(at) and "." in time.partition(":")[0]
    reference, colon, strength = (body if timed else text).partition(":")
    parse_reference(reference)
    return Asked(reference, parse_strength(strength) if colon else None, parse_when(time) if timed else None)


def parse_when(text: str) -> When:
    """Reads ``0.3`` or ``0.8..0.2``.

    Raises:
        InvalidValueError: it is no time, the end of an interval is not behind its beginning, or it begins at 0, where
            the picture is finished.
    """
    found = _TIME.fullmatch(text)
    when = When(float(found[1]), None if found[2] is None else float(found[2])) if found else None
    if when is None or not (when.last or 0) < when.first <= 1:
        raise InvalidValueError(f"{_shown(text)} is no time at which an attribute could act.", _TIME_RULE)
    return when


def parse_strength(text: str) -> float:
    """A finite decimal number.

    Raises:
        InvalidValueError: it is not one.
    """
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise InvalidValueError(f"{_shown(text)} is not a strength.", "Write a finite number, as in young:0.7.")
    return value


def parse_strengths(text: str) -> tuple[float, ...]:
    """Reads ``0.5,1``; raises as ``parse_strength``."""
    return tuple(parse_strength(part.strip()) for part in text.split(","))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads ``0-63`` or ``1,5,9``, or both mixed, keeping the order.

    Raises:
        InvalidValueError: malformed, repeated, out of [0, 2^63) or more than 100,000 seeds.
    """
    seeds: list[int] = []
    for part in text.split(","):
        span = _parse_span(part.strip())
        if len(seeds) + len(span) > MAX_SEEDS:
            raise InvalidValueError(f"{_shown(text)} holds more than {MAX_SEEDS:,} seeds.", _SEED_RULE)
        seeds.extend(span)
    if len(set(seeds)) != len(seeds):
        raise InvalidValueError(f"{_shown(text)} gives a seed twice.", _SEED_RULE)
    return tuple(seeds)


def format_seeds(seeds: Sequence[int]) -> str:
    """The shortest text that ``parse_seeds`` reads back, as in ``0-63`` or ``1,5,9``."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1][1:] = [seed]
        else:
            runs.append([seed])
    return ",".join("-".join(map(str, run)) for run in runs)


def from_home(reference: str) -> str:
    """A place as it may be told to others: in the user's own folder it begins with ``~``, which names nobody.

    Args:
        reference: a path, or what else names a model, such as ``FILE#config=FOLDER``.
    """
    home = os.path.expanduser("~").rstrip(os.sep)
    return re.sub(rf"(^|=){re.escape(home)}(?=[\\/])", r"\1~", reference) if home else reference


def _parse_span(text: str) -> range:
    found = _SPAN.fullmatch(text)
    if not found:
        raise InvalidValueError(f"{_shown(text)} is not a seed or a range of seeds.", _SEED_RULE)
    first = int(found[1])
    last = int(found[2] or found[1])
    if last < first or last >= SEED_LIMIT:
        raise InvalidValueError(f"{_shown(text)} is not a range of seeds in [0, 2^63).", _SEED_RULE)
    return range(first, last + 1)


def _validate_prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise InvalidValueError(
            f"{_shown(text)} is not the beginning of an id.",
            f"Give {MIN_PREFIX} to 64 hex digits, as in young@3fa9c1; a time has a point, as in young:0.7@0.3.",
        )
    return text


def _with_point(time: float) -> str:
    """The shortest text of at most six digits that is read as a time."""
    text = f"{time:.6f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:77] + "...")


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


def check_word(word: str | None) -> None:
    """Refuse what is no word of a prompt.

    Raises:
        InvalidValueError: it is empty, or too long, or no valid Unicode.
    """
    check_text(word, "The word", 200)
    if word is not None and not any(map(str.isalnum, word)):
        raise InvalidValueError("The word at which an attribute acts is empty.", hint="Name one of the prompt.")
