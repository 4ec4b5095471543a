"""Which of the designers' own options show which trait: the one place where labels come from.

Each style has a function from traits and a way to pick among equals to the options of its DiceBear package. Options
that would be hard to tell apart at 60 pixels, or that hide what another trait says, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from attrbank_avatars.truth import COLOURS, HAIR, SKIN

Traits = Mapping[str, str]
Pick = Callable[[str, tuple[str, ...]], str]
Options = dict[str, list[str] | int]

_PEEPS_COLOURED: dict[str, tuple[str, ...]] = {
    "long": ("bangs", "mediumBangs2", "grayMedium"),
    "up": ("grayBun",),
    "short": ("grayShort", "short4", "mohawk"),
}
_PEEPS_BLACK: dict[str, tuple[str, ...]] = {
    "long": ("bangs2", "long", "longBangs", "medium2", "medium3", "mediumBangs", "mediumStraight", "longCurly"),
    "up": ("bun2",),
    "short": ("short1", "short2", "short5", "flatTop", "pomp", "twists", "shaved2"),
}
_PEEPS_MOODS: dict[str, tuple[str, ...]] = {
    "smiling": ("smile", "smileBig", "smileTeethGap", "lovingGrin2"),
    "laughing": ("smileLOL", "lovingGrin1"),
    "sad": ("solemn", "tired"),
    "serious": ("serious", "blank"),
}
_PEEPS_EYEWEAR: dict[str, tuple[str, ...]] = {
    "glasses": ("glasses2", "glasses3", "glasses4", "glasses5"),
    "sunglasses": ("sunglasses", "sunglasses2"),
}
_PEEPS_FACIAL: dict[str, tuple[str, ...]] = {
    "beard": ("full", "full2", "full3", "goatee2"),
    "moustache": ("moustache2", "moustache5", "moustache6"),
}


def _shown(values: tuple[str, ...], chance: str) -> Options:
    """An optional part that is there."""
    return {chance.removesuffix("Probability"): list(values), chance: 100}


def _optional(part: str, value: str | None) -> Options:
    """An optional part, or its absence."""
    return {f"{part}Probability": 0} if value is None else _shown((value,), f"{part}Probability")


def _open_peeps(traits: Traits, pick: Pick) -> Options:
    eyewear, facial = _PEEPS_EYEWEAR.get(traits["eyewear"]), _PEEPS_FACIAL.get(traits["facial"])
    return {
        "head": [_peeps_head(traits, pick)],
        "headContrastColor": [HAIR[traits["hair"]]],
        "face": [pick("face", _PEEPS_MOODS[traits["mood"]])],
        "skinColor": [SKIN[traits["skin"]]],
        "clothingColor": [COLOURS[traits["clothes"]]],
        "maskProbability": 0,
        **_optional("accessories", pick("eyewear", eyewear) if eyewear else None),
        **_optional("facialHair", pick("facial", facial) if facial else None),
    }


def _peeps_head(traits: Traits, pick: Pick) -> str:
    if traits["hat"] == "hat":
        return pick("hat", ("hatBeanie", "hatHip"))
    if traits["length"] == "bald":
        return pick("head", ("noHair1", "noHair2"))
    coloured, black = _PEEPS_COLOURED[traits["length"]], _PEEPS_BLACK[traits["length"]]
    return pick("head", coloured + black if traits["hair"] == "black" else coloured)


_PERSONAS_HAIR: dict[str, tuple[str, ...]] = {
    "long": ("long", "bobCut", "bobBangs", "extraLong"),
    "up": ("straightBun", "curlyBun"),
    "short": ("shortCombover", "curlyHighTop", "fade"),
    "bald": ("bald",),
}
_PERSONAS_MOODS = {"smiling": "smile", "laughing": "bigSmile", "sad": "frown", "surprised": "surprise"}
_PERSONAS_FACIAL: dict[str, tuple[str, ...]] = {"beard": ("goatee",), "moustache": ("pyramid", "walrus")}


def _personas(traits: Traits, pick: Pick) -> Options:
    facial = _PERSONAS_FACIAL.get(traits["facial"])
    bare_eyes = pick("eyes", ("open", "happy"))
    return {
        "hair": [_personas_head(traits, pick)],
        "hairColor": [HAIR[traits["hair"]]],
        "eyes": [bare_eyes if traits["eyewear"] == "none" else traits["eyewear"]],
        "mouth": [_PERSONAS_MOODS[traits["mood"]]],
        "nose": [pick("nose", ("mediumRound", "smallRound"))],
        "body": [pick("body", ("squared", "rounded"))],
        "skinColor": [SKIN[traits["skin"]]],
        "clothingColor": [COLOURS[traits["clothes"]]],
        **_optional("facialHair", pick("facial", facial) if facial else None),
    }


def _personas_head(traits: Traits, pick: Pick) -> str:
    if traits["hat"] == "hat":
        return pick("hat", ("cap", "beanie"))
    return pick("head", _PERSONAS_HAIR[traits["length"]])


_MICAH_HAIR: dict[str, tuple[str, ...]] = {"long": ("full", "pixie"), "short": ("fonze", "mrT"), "bald": ("mrClean",)}
_MICAH_MOODS: dict[str, tuple[str, ...]] = {
    "smiling": ("smile",),
    "laughing": ("laughing",),
    "sad": ("sad", "frown"),
    "surprised": ("surprised",),
}


def _micah(traits: Traits, pick: Pick) -> Options:
    facial = {"beard": "beard", "stubble": "scruff"}.get(traits["facial"])
    glasses = None if traits["eyewear"] == "none" else pick("eyewear", ("round", "square"))
    return {
        "hair": [pick("head", _MICAH_HAIR[traits["length"]])],
        "hairColor": [HAIR[traits["hair"]]],
        "mouth": [pick("mouth", _MICAH_MOODS[traits["mood"]])],
        "eyes": [pick("eyes", ("eyes", "round"))],
        "eyebrows": ["eyelashesUp" if traits["length"] == "long" else "up"],
        "nose": [pick("nose", ("curve", "pointed", "tound"))],
        "ears": [pick("ears", ("attached", "detached"))],
        "shirt": [pick("shirt", ("open", "crew", "collared"))],
        "shirtColor": [COLOURS[traits["clothes"]]],
        "baseColor": [SKIN[traits["skin"]]],
        "facialHairColor": [HAIR["black" if facial == "scruff" else traits["hair"]]],  # thin dots must show
        "glassesColor": ["000000"],
        "earringsProbability": 0,
        **_optional("glasses", glasses),
        **_optional("facialHair", facial),
    }


def _variants(*numbers: int) -> tuple[str, ...]:
    return tuple(f"variant{number:02}" for number in numbers)


_LORELEI_HAIR = {
    "long": _variants(13, 15, 16, 21, 23, 24, 35, 40, 41),
    "up": _variants(14, 26, 38, 46),
    "short": _variants(1, 2, 3, 4, 7, 8, 9, 12, 22, 39, 47),
}
_LORELEI_MOODS: dict[str, tuple[str, ...]] = {
    "smiling": ("happy05", "happy06", "happy12", "happy16"),
    "sad": ("sad04", "sad05", "sad06"),
}
_LORELEI_EYEWEAR = {"glasses": _variants(1, 3, 4, 5), "sunglasses": _variants(2)}


def _lorelei(traits: Traits, pick: Pick) -> Options:
    eyewear = _LORELEI_EYEWEAR.get(traits["eyewear"])
    beard = pick("facial", _variants(1, 2)) if traits["facial"] == "beard" else None
    return {
        "hair": [pick("head", _LORELEI_HAIR[traits["length"]])],
        "mouth": [pick("mouth", _LORELEI_MOODS[traits["mood"]])],
        "eyes": [pick("eyes", _variants(2, 5, 8, 12, 16, 20))],
        "eyebrows": [pick("eyebrows", _variants(1, 4, 8, 12))],
        "nose": [pick("nose", _variants(1, 2, 3, 4, 5, 6))],
        "head": [pick("shape", _variants(1, 2, 3, 4))],
        "frecklesProbability": 0,
        "hairAccessoriesProbability": 0,
        "earringsProbability": 0,
        **_optional("glasses", pick("eyewear", eyewear) if eyewear else None),
        **_optional("beard", beard),
    }


class Style(NamedTuple):
    """A designer's style; what it can show is in ``attrbank_avatars.truth``.

    Attributes:
        package: of npm, without the scope.
        options: from traits and a way to pick among equals to the options of the package.
        framing: options of the core that let the figure fill its frame as the others do.
    """

    package: str
    options: Callable[[Traits, Pick], Options]
    framing: Mapping[str, int]


STYLES: dict[str, Style] = {
    "comic": Style("open-peeps", _open_peeps, {}),
    "icon": Style("personas", _personas, {"scale": 110, "translateY": 4}),
    "cartoon": Style("micah", _micah, {"scale": 108, "translateY": 3}),
    "ink": Style("lorelei", _lorelei, {"scale": 115, "translateY": 1}),
}
"""In the order of ``truth.STYLES``. Unflipped figures of those that look to a side look right."""
