"""Everyday words for portraits, and the parameter ranges that each of them means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import torch

from attrbank.backbones.portraits.palette import greyness, hair_named
from attrbank.backbones.portraits.parameters import GRADES, KINDS, NAMES, Portraits

Range = tuple[float, float]
Values = Mapping[str, float]
"""One portrait's parameters, and besides them ``hair_named`` and ``greyness``: what is seen of the hair."""

SEEN = ("hair_named", "greyness")


@dataclass(frozen=True)
class Phrase:
    """A piece of a caption, and the ranges, ends included, of all the parameters that it says something about."""

    text: str
    ranges: Mapping[str, Range] = field(default_factory=dict)

    def fits(self, values: Values) -> bool:
        """Whether it is true of a portrait."""
        return all(low <= values[name] <= high for name, (low, high) in self.ranges.items())


def seen(portraits: Portraits) -> list[dict[str, float]]:
    """What phrases are compared with, for each portrait."""
    columns = torch.cat([portraits.values, torch.stack([hair_named(portraits), greyness(portraits)], dim=1)], dim=1)
    return [dict(zip((*NAMES, *SEEN), row, strict=True)) for row in columns.tolist()]


def _said(ranges: Mapping[str, Range], *texts: str) -> list[Phrase]:
    return [Phrase(text, ranges) for text in texts]


def _is(name: str, kind: str) -> dict[str, Range]:
    number = float(KINDS["hair_colour" if name == "hair_named" else name].index(kind))
    return {name: (number, number)}


_GROWN: Range = (0.20, 1.0)
_CHILD: dict[str, Range] = {"age": (0.0, 0.16)}
_MAN: dict[str, Range] = {"build": (0.55, 1.0)}
_WOMAN: dict[str, Range] = {"build": (0.0, 0.45)}

NOUNS = [
    *_said({}, "person"),
    *_said({**_MAN, "age": _GROWN}, "man", "man", "man", "guy"),
    *_said({**_MAN, "age": (0.35, 1.0)}, "gentleman"),
    *_said({**_WOMAN, "age": _GROWN}, "woman", "woman", "woman"),
    *_said({**_WOMAN, "age": (0.35, 1.0)}, "lady"),
    *_said({**_MAN, **_CHILD}, "boy", "boy"),
    *_said({**_WOMAN, **_CHILD}, "girl", "girl"),
    *_said(_CHILD, "child", "kid"),
]

AGES = [
    *_said({"age": (0.0, 0.33)}, "young", "young"),
    *_said({"age": (0.38, 0.62)}, "middle-aged"),
    *_said({"age": (0.62, 1.0)}, "old", "old"),
    *_said({"age": (0.70, 1.0)}, "elderly"),
    *_said({"age": (0.86, 1.0)}, "very old"),
]

_MOODS: Mapping[str, Range] = {
    "very sad": (-1.0, -0.75),
    "sad": (-1.0, -0.45),
    "slightly sad": (-0.55, -0.18),
    "serious": (-0.20, 0.12),
    "slightly smiling": (0.12, 0.42),
    "smiling": (0.28, 0.85),
    "happy": (0.35, 1.0),
    "laughing": (0.75, 1.0),
}
MOOD_ADJECTIVES = [Phrase(text, {"expression": span}) for text, span in _MOODS.items()]
MOOD_CLAUSES = [
    *_said({"expression": (-1.0, -0.45)}, "with a sad face", "looking sad", "who is sad"),
    *_said({"expression": (-0.20, 0.12)}, "serious", "with a serious face", "looking serious"),
    *_said({"expression": (-1.0, 0.08)}, "not smiling", "without a smile"),
    *_said({"expression": (0.12, 0.42)}, "slightly smiling", "with a slight smile"),
    *_said({"expression": (0.28, 0.85)}, "smiling", "with a smile", "who is smiling"),
    *_said({"expression": (0.60, 0.90)}, "with a big smile", "smiling broadly"),
    *_said({"expression": (0.75, 1.0)}, "laughing", "who is laughing"),
    *_said({"expression": (0.35, 1.0)}, "looking happy"),
]

_NO_BEARD: dict[str, Range] = {"beard": (0.0, 0.04)}
_STUBBLE: dict[str, Range] = {"beard": (0.10, 0.33)}
_SHORT_BEARD: dict[str, Range] = {"beard": (0.36, 0.66)}
_BEARD: dict[str, Range] = {"beard": (0.36, 1.0)}
_LONG_BEARD: dict[str, Range] = {"beard": (0.70, 1.0)}
BEARD_ADJECTIVES = _said(_BEARD, "bearded")
BEARDS = [
    *_said(_NO_BEARD, "without a beard", "clean shaven", "no beard"),
    *_said(_STUBBLE, "with stubble", "with stubble"),
    *_said(_SHORT_BEARD, "with a short beard"),
    *_said(_LONG_BEARD, "with a long beard"),
    *_said(_BEARD, "with a beard", "wearing a beard"),
]
for _colour in KINDS["hair_colour"]:
    _named = _is("hair_named", _colour)
    BEARDS += _said({**_BEARD, **_named}, f"with a {_colour} beard")
    BEARDS += _said({**_LONG_BEARD, **_named}, f"with a long {_colour} beard")
    BEARDS += _said({**_SHORT_BEARD, **_named}, f"with a short {_colour} beard")

_LENGTHS: Mapping[str, Range] = {
    "very short": (0.08, 0.22),
    "short": (0.08, 0.45),
    "medium-length": (0.45, 0.70),
    "long": (0.68, 1.0),
    "very long": (0.88, 1.0),
}
_HAIR: dict[str, Range] = {"hair_length": (0.08, 1.0)}
HAIR_ADJECTIVES = _said({"hair_length": (0.0, 0.04)}, "bald", "bald")
HAIR = [
    *_said({"hair_length": (0.0, 0.04)}, "bald", "with a bald head", "without hair"),
    *[Phrase(f"with {text} hair", {"hair_length": span}) for text, span in _LENGTHS.items()],
    *_said({**_HAIR, "greyness": (0.2, 0.8), "hair_colour": (0.0, 3.0)}, "with greying hair"),
]
for _colour in KINDS["hair_colour"]:
    _named = _is("hair_named", _colour)
    HAIR_ADJECTIVES += _said({**_HAIR, **_named}, f"{_colour}-haired")
    HAIR += _said({**_HAIR, **_named}, f"with {_colour} hair", f"with {_colour} hair")
    HAIR += [Phrase(f"with {text} {_colour} hair", {"hair_length": span, **_named}) for text, span in _LENGTHS.items()]
HAIR_ADJECTIVES += _said({**_HAIR, **_is("hair_named", "blond")}, "blond")

_LEADS = ("with", "wearing", "in")
GLASSES = [
    *_said({"glasses": (0.0, 0.0)}, "without glasses", "no glasses"),
    *[Phrase(f"{lead} glasses", {"glasses": (1.0, 2.0)}) for lead in _LEADS],
    *[Phrase(f"{lead} {kind} glasses", _is("glasses", kind)) for lead in _LEADS for kind in ("round", "square")],
    *[Phrase(f"{lead} sunglasses", _is("glasses", "sun")) for lead in _LEADS],
]

_HATS: Mapping[str, dict[str, Range]] = {
    "hat": {"hat": (1.0, 3.0)},
    "cap": _is("hat", "cap"),
    "baseball cap": _is("hat", "cap"),
    "brimmed hat": _is("hat", "brim"),
    "beanie": _is("hat", "beanie"),
    "woolly hat": _is("hat", "beanie"),
}
HATS = [
    *_said({"hat": (0.0, 0.0)}, "without a hat", "no hat", "bareheaded"),
    *[Phrase(f"{lead} a {hat}", ranges) for lead, (hat, ranges) in product(_LEADS, _HATS.items())],
    *[
        Phrase(f"{lead} {_article} {colour} {hat}", {**ranges, **_is("hat_colour", colour)})
        for lead, (hat, ranges), colour in product(_LEADS, _HATS.items(), KINDS["hat_colour"])
        for _article in ("an" if colour[0] in "aeiou" else "a",)
    ],
]

EARRINGS = [
    *_said({"earrings": (1.0, 1.0)}, "with earrings", "wearing earrings"),
    *_said({"earrings": (0.0, 0.0)}, "without earrings", "no earrings"),
]

CLOTHES = [
    Phrase(text.format("an" if colour[0] in "aeiou" else "a", colour), _is("clothes_colour", colour))
    for colour in KINDS["clothes_colour"]
    for text in ("in {} {} shirt", "wearing {} {} shirt", "in {} {} sweater", "dressed in {1}", "wearing {1} clothes")
]

GROUNDS = [
    Phrase(text.format(colour), _is("background_colour", colour))
    for colour in KINDS["background_colour"]
    for text in ("on a {} background", "with a {} background", "in front of a {} wall")
]

BUILDS = [
    *_said({"build": (0.80, 1.0)}, "with a strong jaw", "with masculine features"),
    *_said({"build": (0.0, 0.20)}, "with soft features", "with feminine features"),
    *_said({"build": (0.40, 0.60)}, "with androgynous features"),
]

ALL = (
    *NOUNS, *AGES, *MOOD_ADJECTIVES, *MOOD_CLAUSES, *BEARD_ADJECTIVES, *BEARDS, *HAIR_ADJECTIVES, *HAIR, *GLASSES,
    *HATS, *EARRINGS, *CLOTHES, *GROUNDS, *BUILDS,
)  # fmt: skip
"""Every phrase; those that captions use more often stand here more than once."""

BY_TEXT = {phrase.text: phrase for phrase in ALL}
_ANY = re.compile(r"\b(" + "|".join(re.escape(t) for t in sorted(BY_TEXT, key=len, reverse=True)) + r")\b")


def read(prompt: str) -> list[Phrase]:
    """The phrases of the grammar that a prompt contains, longest first where they overlap, as they stand in it."""
    return [BY_TEXT[found] for found in _ANY.findall(prompt.lower())]


def off(phrase: Phrase, values: Values) -> float:
    """How far a portrait is from what a phrase says: 0 where it fits, 1 where a kind is wrong.

    A grade that is out of its range counts by its distance; of several the largest.
    """
    return max((_distance(name, span, values[name]) for name, span in phrase.ranges.items()), default=0.0)


def _distance(name: str, span: Range, value: float) -> float:
    outside = max(span[0] - value, value - span[1], 0.0)
    return outside if name in GRADES or name == "greyness" else float(outside > 0)
