"""What a strip or a grid of pictures varies: strengths of an attribute, attributes, prompts, seeds or samplers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from attrbank.editing.request import ApplyRequest
from attrbank.errors import InvalidValueError
from attrbank.names import Asked, parse_asked, parse_seeds, parse_strength
from attrbank.text import printable

MOST_MARKS, MOST_CELLS = 64, 400
OnCell: TypeAlias = Callable[[int, int], None]
"""Called with the pictures of a sheet that are done and their number."""

FORMS = "Write NAME=FROM:TO:COUNT or NAME=0,0.5,1; or prompt=A|B, seed=0-3, sampler=ddim,ddpm, attribute=young,old."


@dataclass(frozen=True)
class Mark:
    """One place on an axis.

    Attributes:
        label: what stands beside its pictures.
        asked: attributes, by reference; they take the place of those that were given.
        fields: of the request that are other here.
    """

    label: str
    asked: Mapping[str, Asked] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Axis:
    """What varies, and where.

    Attributes:
        name: what: an attribute's reference, or one of ``KINDS``.
        marks: from left to right, or from top to bottom.
    """

    name: str
    marks: tuple[Mark, ...]


NOTHING = Axis("", (Mark(""),))
"""What the rows of a strip vary: there is one."""


@dataclass(frozen=True, kw_only=True)
class SheetRequest:
    """A strip or a grid, as asked for.

    Attributes:
        references: what all of its pictures have.
        common: further fields of every picture's ``ApplyRequest``.
        across: what the columns differ in.
        down: what the rows differ in.

    Raises:
        InvalidValueError: there are too many pictures, or both axes vary the same.
    """

    references: tuple[Asked, ...]
    common: Mapping[str, Any]
    across: Axis
    down: Axis

    def __post_init__(self) -> None:
        count = len(self.across.marks) * len(self.down.marks)
        if count > MOST_CELLS:
            raise InvalidValueError(f"A sheet has at most {MOST_CELLS} pictures, not {count:,}.")
        if self.across.name == self.down.name:
            raise InvalidValueError(
                f"Both axes vary {printable(self.across.name)}.", hint="Let one of them vary something else."
            )

    def cells(self) -> list[ApplyRequest]:
        """What its pictures are, row by row.

        Raises:
            InvalidValueError: as ``ApplyRequest``, or a picture would have no attribute.
        """
        return [self._cell(row, column) for row in self.down.marks for column in self.across.marks]

    def _cell(self, row: Mark, column: Mark) -> ApplyRequest:
        asked = {**{given.reference: given for given in self.references}, **row.asked, **column.asked}
        if not asked:
            raise InvalidValueError(
                "A grid needs an attribute.", hint="Name one, or let an axis vary one: young=0:1:5."
            )
        fields = {**self.common, **row.fields, **column.fields}
        return ApplyRequest(references=tuple(asked.values()), only_after=True, **fields)


def strengths_axis(text: str, values: str) -> Axis:
    """An attribute, ``young`` or ``young@0.3``, at several strengths, written ``-1:1:5`` or ``0,0.5,1``.

    Raises:
        InvalidValueError: the reference is none, or has a strength, or there are no such strengths.
    """
    asked = parse_asked(text)
    if asked.strength is not None:
        raise InvalidValueError(f"{asked.reference} varies, and has a strength.", hint="Leave its :STRENGTH out.")
    marks = (Mark(f"{value:g}", {asked.reference: asked._replace(strength=value)}) for value in numbers(values))
    return Axis(text, tuple(marks))


def numbers(text: str) -> tuple[float, ...]:
    """``FROM:TO:COUNT``, evenly spaced with both ends, or a list by commas.

    Raises:
        InvalidValueError: it is neither, or there are more than ``MOST_MARKS``.
    """
    low, colon, rest = text.partition(":")
    if not colon:
        return tuple(parse_strength(part.strip()) for part in _parts(text, ","))
    high, _, count = rest.partition(":")
    if not count.isascii() or not count.isdecimal() or not 2 <= int(count[:4]) <= MOST_MARKS:
        raise InvalidValueError(
            f"{printable(text)} is no range of 2 to {MOST_MARKS} strengths.", hint="Write FROM:TO:COUNT, as in -1:1:5."
        )
    first, last, steps = parse_strength(low), parse_strength(high), int(count) - 1
    return tuple(round(first + (last - first) * n / steps, 10) for n in range(steps + 1))


def axis_of(text: str) -> Axis:
    """Reads ``NAME=VALUES``, where NAME is an attribute's reference or one of ``KINDS``.

    Raises:
        InvalidValueError: it is no axis, or a value on it is of no use.
    """
    name, sign, values = text.partition("=")
    if not sign or not values:
        raise InvalidValueError(f"{printable(text)} is no axis.", hint=FORMS)
    return Axis(name, KINDS[name](values)) if name in KINDS else strengths_axis(name, values)


def _prompts(values: str) -> tuple[Mark, ...]:
    return tuple(Mark(prompt.strip(), fields={"prompt": prompt.strip()}) for prompt in _parts(values, "|"))


def _seeds(values: str) -> tuple[Mark, ...]:
    seeds = parse_seeds(values)
    _refuse_many(len(seeds))
    return tuple(Mark(f"seed {seed}", fields={"seed": seed}) for seed in seeds)


def _samplers(values: str) -> tuple[Mark, ...]:
    """A piece with a value and no name, as in ``dpm:eta=0.5,order=2``, is a parameter of the sampler before it."""
    names: list[str] = []
    for piece in map(str.strip, _parts(values, ",")):
        if names and "=" in piece and ":" not in piece:
            names[-1] = f"{names[-1]},{piece}"
        else:
            names.append(piece)
    return tuple(Mark(name, fields={"sampler": name}) for name in names)


def _attributes(values: str) -> tuple[Mark, ...]:
    known = [(text.strip(), parse_asked(text.strip())) for text in _parts(values, ",")]
    return tuple(Mark(text, {asked.reference: asked}) for text, asked in known)


KINDS: Mapping[str, Callable[[str], tuple[Mark, ...]]] = {
    "prompt": _prompts,
    "seed": _seeds,
    "sampler": _samplers,
    "attribute": _attributes,
}
"""What an axis may vary beside strengths; an attribute of such a name is varied as ``NAME@ID-PREFIX``."""


def _parts(text: str, separator: str) -> list[str]:
    parts = text.split(separator)
    _refuse_many(len(parts))
    return parts


def _refuse_many(count: int) -> None:
    if count > MOST_MARKS:
        raise InvalidValueError(f"An axis has at most {MOST_MARKS} places, not {count:,}.")
