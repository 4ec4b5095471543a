"""What can be true of a picture, in the words that captions are made from and that judges answer."""

from __future__ import annotations

from collections.abc import Mapping

COLOURS = {
    "red": "cf3a34",
    "orange": "f28b2b",
    "yellow": "f4d03f",
    "green": "45a35b",
    "blue": "3d74c9",
    "purple": "8a4fb0",
    "white": "f6f6f4",
}
"""Of clothes."""
HAIR = {"black": "1f1b1d", "brown": "52301b", "blond": "edcb62", "red": "c14a21", "grey": "8f9096"}
SKIN = {"light": "f3cdb0", "brown": "c08a5e", "dark": "855338"}
"""Far enough from the colours of hair that a beard shows on every skin."""

STYLES = ("comic", "icon", "cartoon", "ink")
TRAITS: dict[str, tuple[str, ...]] = {
    "length": ("long", "up", "short", "bald"),
    "hat": ("bare", "hat"),
    "facial": ("none", "stubble", "moustache", "beard"),
    "eyewear": ("none", "glasses", "sunglasses"),
    "mood": ("smiling", "laughing", "sad", "surprised", "serious"),
    "hair": tuple(HAIR),
    "skin": tuple(SKIN),
    "clothes": tuple(COLOURS),
}
"""What a figure is made of, beside its style."""

LACKING: dict[str, dict[str, tuple[str, ...]]] = {
    "comic": {"mood": ("smiling", "laughing", "sad", "serious"), "facial": ("none", "moustache", "beard")},
    "icon": {"mood": ("smiling", "laughing", "sad", "surprised"), "facial": ("none", "moustache", "beard")},
    "cartoon": {
        "mood": ("smiling", "laughing", "sad", "surprised"),
        "facial": ("none", "stubble", "beard"),
        "eyewear": ("none", "glasses"),
        "length": ("long", "short", "bald"),
        "hat": ("bare",),
    },
    "ink": {
        "mood": ("smiling", "sad"),
        "facial": ("none", "beard"),
        "length": ("long", "up", "short"),
        "hat": ("bare",),
        "hair": ("black",),
        "skin": ("light",),
        "clothes": ("white",),
    },
}
"""What a trait can be in a style that lacks some values; one value means that the style does not have the trait, and
that captions and judges keep silent about it."""

SIDED = ("comic", "cartoon", "ink")
"""Styles whose figures look to a side; the others look nearly the same in a mirror."""
BEARDS_HIDE_MOUTHS = ("comic", "ink")
EYES_TELL = {"comic": ("sad", "serious")}
"""Moods that only eyes tell apart, which sunglasses hide: a tired mouth and a serious one are both a flat line."""

SEXES, SIDES, SIZES, LOOKS = ("woman", "man"), ("left", "middle", "right"), ("small", "large"), ("left", "right")
TRAITS_READ: dict[str, tuple[str, ...]] = {"sex": SEXES, **TRAITS, "looks": LOOKS}
"""What is read of a figure's frame."""
PERSON: dict[str, tuple[str, ...]] = {"sex": SEXES, **TRAITS, "side": SIDES, "size": SIZES, "looks": LOOKS}
"""What can be said of a person."""
PICTURE: dict[str, tuple[str, ...]] = {
    "style": STYLES,
    "ground": ("blue", "green", "yellow", "pink", "purple", "grey", "white"),
    "pattern": ("plain", "striped", "dotted", "checked"),
    "people": ("one", "two"),
}
"""What can be said of the whole picture."""
MOST_PEOPLE = 2
GEOMETRY = ("x", "y", "scale", "tilt")
"""Where a figure stands: its centre and its frame's side in shares of the picture, and its tilt."""
TILT_UNIT = 14.0
"""Degrees."""


def values_of(style: str, name: str) -> tuple[str, ...]:
    """What a trait can be in a style."""
    return LACKING[style].get(name, TRAITS[name])


def seen(style: str, traits: Mapping[str, str]) -> dict[str, str]:
    """What a viewer can see of a figure, and nothing that is hidden or that the style does not have.

    ``sex`` is what hair and beard suggest; below a hat without a beard it is left open, and so is hair.

    Args:
        style: one of ``STYLES``.
        traits: a value for each of ``TRAITS``, also where something else hides it.
    """
    found = {name: traits[name] for name in TRAITS if len(values_of(style, name)) > 1}
    if traits["hat"] == "hat":
        found.pop("length", None)
        found.pop("hair", None)
    if traits["length"] == "bald":
        found.pop("hair", None)
    if style in BEARDS_HIDE_MOUTHS and traits["facial"] != "none":
        found.pop("mood")
    if traits["eyewear"] == "sunglasses" and traits["mood"] in EYES_TELL.get(style, ()):
        found.pop("mood", None)
    return {**_sex(traits), **found}


def _sex(traits: Mapping[str, str]) -> dict[str, str]:
    if traits["facial"] != "none":
        return {"sex": "man"}
    if traits["hat"] == "hat":
        return {}
    return {"sex": "woman" if traits["length"] in ("long", "up") else "man"}
