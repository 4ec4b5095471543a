"""Fidelity: what prompts say is looked for, of one figure and of two."""

from __future__ import annotations

from attrbank_avatars.eyes import SceneRead

from lab.avatars.captions import Description
from lab.avatars.cutouts import Cutouts
from lab.avatars.fidelity import checks, draw_prompts


def test_as_many_prompts_are_about_one_figure_as_about_two(cutouts: Cutouts) -> None:
    asked = draw_prompts(cutouts, 5)
    assert [description.picture["people"] for description in asked] == ["one"] * 5 + ["two"] * 5
    assert all(any(description.people) for description in asked)


def test_a_person_who_is_missing_has_nothing_that_was_asked_for() -> None:
    place = {"x": 0.2, "y": 0.5, "scale": 0.6, "tilt": 0.0}
    read = SceneRead({"people": "one"}, [{"mood": "sad"}], [place])
    asked = Description("", {"people": "two"}, ({"mood": "sad", "side": "left"}, {"mood": "sad"}))
    assert list(checks(asked, read)) == [("people", False), ("mood", True), ("side", True), ("mood", False)]
