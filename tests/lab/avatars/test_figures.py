"""Figures: what can be seen of them, and that one trait is changed by one option."""

from __future__ import annotations

import random

import pytest
from attrbank_avatars.truth import PICTURE, TRAITS, values_of

from lab.avatars.figures import Figure, draw_figure
from lab.avatars.scenes import GROUNDS
from lab.avatars.styles import STYLES

OPTIONS_OF = {
    "length": {"head", "hair", "eyebrows"},
    "hat": {"head", "hair"},
    "facial": {"facialHair", "facialHairProbability", "beard", "beardProbability", "facialHairColor"},
    "eyewear": {"accessories", "accessoriesProbability", "glasses", "glassesProbability", "eyes"},
    "mood": {"face", "mouth"},
    "hair": {"headContrastColor", "hairColor", "facialHairColor", "head"},  # only some heads of Open Peeps have colours
    "skin": {"skinColor", "baseColor"},
    "clothes": {"clothingColor", "shirtColor"},
}


def figures(count: int = 40) -> list[Figure]:
    rng = random.Random(0)
    return [draw_figure(style, rng) for style in STYLES for _ in range(count)]


@pytest.mark.parametrize("name", TRAITS)
def test_a_trait_is_changed_by_its_own_options_alone(name: str) -> None:
    for figure in figures():
        before = figure.options()
        for value in values_of(figure.style, name):
            after = figure.with_trait(name, value).options()
            assert {key for key in before | after if before.get(key) != after.get(key)} <= OPTIONS_OF[name]


def test_nothing_is_left_to_chance() -> None:
    for figure in figures():
        assert figure.options() == figure.options()
        assert all(value in (0, 100) for key, value in figure.options().items() if key.endswith("Probability"))
        assert all(len(value) == 1 for value in figure.options().values() if isinstance(value, list))


@pytest.mark.parametrize("style", STYLES)
def test_every_value_of_every_trait_is_drawn(style: str) -> None:
    rng = random.Random(1)
    drawn = [draw_figure(style, rng) for _ in range(600)]
    for name in TRAITS:
        assert {figure.traits[name] for figure in drawn} == set(values_of(style, name))


def test_what_is_hidden_is_not_seen() -> None:
    figure = figures(1)[0]
    plain = {**figure.traits, "length": "long", "hat": "bare", "facial": "none", "mood": "sad", "hair": "red"}
    plain["eyewear"] = "none"
    seen = Figure("comic", plain, 0).seen()
    assert (seen["sex"], seen["length"], seen["hair"], seen["mood"]) == ("woman", "long", "red", "sad")
    hatted = Figure("comic", plain, 0).with_trait("hat", "hat").seen()
    assert {"sex", "length", "hair"} & set(hatted) == set()
    assert Figure("comic", {**plain, "hat": "hat"}, 0).with_trait("facial", "beard").seen()["sex"] == "man"
    assert "mood" not in Figure("comic", plain, 0).with_trait("facial", "beard").seen()
    assert "hair" not in Figure("icon", plain, 0).with_trait("length", "bald").seen()


def test_no_mood_is_seen_that_sunglasses_hide() -> None:
    worn = {**figures(1)[0].traits, "facial": "none", "eyewear": "sunglasses"}
    seen = {mood: "mood" in Figure("comic", {**worn, "mood": mood}, 0).seen() for mood in values_of("comic", "mood")}
    assert seen == {"smiling": True, "laughing": True, "sad": False, "serious": False}
    assert "mood" in Figure("icon", {**worn, "mood": "sad"}, 0).seen()


def test_traits_may_go_together_or_not() -> None:
    rng = random.Random(3)
    for independent, least, most in ((False, 0.0, 0.15), (True, 0.4, 0.7)):
        drawn = [draw_figure("comic", rng, independent).traits for _ in range(600)]
        beards = [traits["facial"] != "none" for traits in drawn if traits["length"] == "long"]
        assert least <= sum(beards) / len(beards) <= most


def test_an_ink_figure_has_no_colours() -> None:
    rng = random.Random(2)
    assert {"hair", "skin", "clothes", "hat"} & set(draw_figure("ink", rng).seen()) == set()


def test_what_a_style_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="cartoon figures know no hat hat"):
        draw_figure("cartoon", random.Random(0)).with_trait("hat", "hat")


def test_what_is_drawn_is_what_is_read() -> None:
    assert (tuple(STYLES), tuple(GROUNDS)) == (PICTURE["style"], PICTURE["ground"])
