"""A small grammar of everyday English for avatars, and the tokenizer that knows its words."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from attrbank_avatars.truth import PICTURE, TRAITS
from transformers import CLIPTokenizer

from lab.words import build_word_tokenizer

MAX_TOKENS = 48
EMPTY, BARE, SEXES = 0.1, 0.1, 0.7
"""Shares of captions that are empty and bare, and that at least say whether somebody is a man or a woman."""
TALKATIVENESS, OF_TWO = (0.2, 0.4, 0.65), 0.6
"""Probabilities of mentioning a thing, and their factor for two people."""
_LONGEST = 40

_OPENINGS = ("a picture of", "a picture of", "a drawing of", "an image of", "")
_STYLES = {
    "comic": ("a comic of", "a comic drawing of", "a comic picture of"),
    "icon": ("an icon of", "an icon of", "a flat icon of"),
    "cartoon": ("a cartoon of", "a cartoon picture of", "a cartoon drawing of"),
    "ink": ("an ink drawing of", "an ink drawing of", "an ink picture of"),
}
_NOUNS: dict[str | None, tuple[str, ...]] = {
    "man": ("man", "man", "man", "man", "guy", "boy", "gentleman"),
    "woman": ("woman", "woman", "woman", "woman", "lady", "girl"),
    None: ("person",),
}
_ADJECTIVES: dict[str, dict[str, tuple[str, ...]]] = {
    "mood": {
        "smiling": ("smiling", "smiling", "happy", "grinning"),
        "laughing": ("laughing",),
        "sad": ("sad", "sad", "unhappy"),
        "surprised": ("surprised", "surprised", "astonished"),
        "serious": ("serious",),
    },
    "facial": {"beard": ("bearded",)},
    "length": {"bald": ("bald",)},
    "size": {"small": ("small", "tiny"), "large": ("large", "big")},
}
_CLAUSES: dict[str, dict[str, tuple[str, ...]]] = {
    "mood": {
        "smiling": ("smiling", "with a smile"),
        "laughing": ("laughing", "who is laughing"),
        "sad": ("sad", "with a sad face"),
        "surprised": ("surprised", "with a surprised face"),
        "serious": ("serious", "with a serious face"),
    },
    "facial": {
        "none": ("without a beard", "no beard"),
        "stubble": ("with stubble",),
        "moustache": ("with a moustache", "with a moustache", "wearing a mustache"),
        "beard": ("with a beard", "wearing a beard"),
    },
    "length": {
        "long": ("with long hair",),
        "up": ("with a bun", "with hair in a bun", "with tied hair"),
        "short": ("with short hair",),
        "bald": ("bald", "without hair"),
    },
    "hat": {
        "bare": ("without a hat", "no hat"),
        "hat": ("with a hat", "wearing a hat", "in a hat"),
    },
    "eyewear": {
        "none": ("without glasses", "without glasses", "no glasses"),
        "glasses": ("with glasses", "with glasses", "wearing glasses", "in glasses"),
        "sunglasses": ("with sunglasses", "wearing sunglasses", "in sunglasses"),
    },
    "hair": {colour: (f"with {colour} hair",) for colour in TRAITS["hair"]},
    "skin": {tone: (f"with {tone} skin",) for tone in TRAITS["skin"]},
    "clothes": {
        colour: (f"in {article} {colour} shirt", f"wearing {article} {colour} shirt", f"in {colour}")
        for colour in TRAITS["clothes"]
        for article in ("an" if colour[0] in "aeiou" else "a",)
    },
    "side": {
        "left": ("on the left",),
        "middle": ("in the middle",),
        "right": ("on the right",),
    },
    "looks": {"left": ("looking left", "facing left"), "right": ("looking right", "facing right")},
}
_GROUND = ("on a {} background", "in front of a {} background")
_SIDES = ("on the left", "on the right")
_ATTACHED = ("with", "without", "wearing", "in", "on")
"""Clauses that begin with these need no comma."""
_HAIR_IN_ONE = ("long", "short")

Said = dict[str, str]


class Description(NamedTuple):
    """A caption, and what it says.

    Attributes:
        text: the caption.
        picture: what is said of the whole picture.
        people: what is said of each person, from left to right; none if nothing is said of anybody.
    """

    text: str
    picture: Said
    people: tuple[Said, ...]


def mention(truth: Mapping[str, str], probability: float, rng: random.Random) -> Said:
    """A random part of what is true."""
    return {name: value for name, value in truth.items() if rng.random() < probability}


def describe(picture: Mapping[str, str], people: Sequence[Mapping[str, str]], rng: random.Random) -> Description:
    """A random caption; empty one time in ten, and bare one time in ten.

    Args:
        picture: what is true of the whole picture.
        people: what is true of each person, from left to right; one or two.
        rng: decides everything.
    """
    if rng.random() < EMPTY:
        return Description("", {}, ())
    probability = 0.0 if rng.random() < BARE else rng.choice(TALKATIVENESS) * (1.0 if len(people) == 1 else OF_TWO)
    said = {**mention(picture, probability, rng), "people": picture["people"]}
    told = [mention(person, probability, rng) for person in people]
    if probability:
        for person, truth in zip(told, people, strict=True):
            if "sex" in truth and rng.random() < SEXES:  # what people say first
                person["sex"] = truth["sex"]
    text = caption(said, told, rng)
    while len(text.split()) + text.count(",") > _LONGEST:
        for person in told:
            person.pop(rng.choice([*person, ""]), None)
        text = caption(said, told, rng)
    return Description(text, said, tuple(told))


def caption(picture: Said, people: Sequence[Said], rng: random.Random) -> str:
    """One way to say exactly this, as in "a comic of a man on the left and a woman with glasses on the right"."""
    opening = rng.choice(_STYLES[picture["style"]] if "style" in picture else _OPENINGS)
    if len(people) == 1:
        subject = _person(dict(people[0]), rng)
    elif not any(people):
        subject = "two people"
    else:
        subject = _pair(people, rng)
    return " ".join(part for part in (opening, subject, _ground(picture, rng)) if part)


def _pair(people: Sequence[Said], rng: random.Random) -> str:
    phrases = []
    for number, person in enumerate(people):
        rest = {name: value for name, value in person.items() if name != "side"}
        phrases.append(f"{_person(rest, rng, attached=True)} {_SIDES[number]}")
    rng.shuffle(phrases)
    return rng.choice((" and ", ", ", " , and ")).join(phrases).replace(" ,", ",")


def _person(left: Said, rng: random.Random, attached: bool = False) -> str:
    """A person in words; ``attached`` leaves out clauses after which "on the left" would be misread."""
    noun = rng.choice(_NOUNS[left.pop("sex", None)])
    phrase = " ".join([*_take_adjectives(left, rng), noun])
    clauses = _hair(left) + [rng.choice(_ways(name, value, attached)) for name, value in left.items()]
    rng.shuffle(clauses)
    article = "an" if phrase[0] in "aeiou" else "a"
    return f"{article} {phrase}{_join(clauses, rng)}"


def _ways(name: str, value: str, attached: bool) -> tuple[str, ...]:
    ways = _CLAUSES[name][value]
    return tuple(way for way in ways if way.split()[0] in _ATTACHED) or ways if attached else ways


def _take_adjectives(left: Said, rng: random.Random) -> list[str]:
    taken = []
    for name in ("size", "mood", "facial", "length"):
        choices = _ADJECTIVES[name].get(left.get(name, ""), ())
        if choices and (name == "size" or rng.random() < 0.4):
            taken.append(rng.choice(choices))
            del left[name]
    return taken


def _hair(left: Said) -> list[str]:
    """Length and colour of hair in one clause, if both are said."""
    if "hair" in left and left.get("length") in _HAIR_IN_ONE:
        return [f"with {left.pop('length')} {left.pop('hair')} hair"]
    return []


def _join(clauses: list[str], rng: random.Random) -> str:
    """Clauses with commas, with "and", or one after the other."""
    if not clauses:
        return ""
    lead = " " if clauses[0].split()[0] in _ATTACHED else ", "
    return lead + rng.choice((", ", " and ", " ")).join(clauses)


def _ground(picture: Said, rng: random.Random) -> str:
    named = [picture[name] for name in ("pattern", "ground") if name in picture]
    return rng.choice(_GROUND).format(" ".join(named)) if named else ""


def words() -> list[str]:
    """Every word of the grammar, sorted."""
    phrases = chain(
        _OPENINGS,
        *_STYLES.values(),
        *_NOUNS.values(),
        *(options for values in (*_ADJECTIVES.values(), *_CLAUSES.values()) for options in values.values()),
        (phrase.format("") for phrase in _GROUND),
        PICTURE["ground"],
        PICTURE["pattern"],
    )
    extra = {"a", "an", "and", "two", "people"}
    return sorted({word for phrase in phrases for word in phrase.split()} | extra)


def build_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer in which every word of the grammar, and the comma, is one token."""
    return build_word_tokenizer([*words(), ","], MAX_TOKENS)
