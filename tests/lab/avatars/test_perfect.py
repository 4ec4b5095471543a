"""Perfect edits as the package keeps them: drawn, stored and read back."""

from __future__ import annotations

import random
from pathlib import Path
from statistics import stdev

import pytest
from attrbank_avatars.goals import GOALS
from attrbank_avatars.perfect import load
from attrbank_avatars.readings import SPREAD
from attrbank_avatars.truth import TILT_UNIT

from lab.avatars import perfect
from lab.avatars.figures import draw_figure
from lab.avatars.scenes import draw_scene
from lab.avatars.styles import STYLES


def test_stored_edits_are_read_back(no_node: None, tmp_path: Path) -> None:
    perfect.main(tmp_path / "few.npz.xz", scenes=24)
    stored = load(tmp_path / "few.npz.xz")
    assert set(stored) == set(GOALS)
    assert all(pairs.before.shape == pairs.after.shape == (len(pairs.before), 3, 128, 128) for pairs in stored.values())
    assert all((pairs.before == pairs.after).all() for pairs in stored.values())  # here a style has one figure


def test_an_edit_changes_what_is_promised_and_is_seen() -> None:
    rng, edited = random.Random(0), 0
    for figure in [draw_figure(style, rng) for style in STYLES for _ in range(40)]:
        for goal in GOALS.values():
            after = perfect.perfect(figure, goal)
            if after is not None:
                edited += 1
                changed = {name for name in figure.traits if figure.traits[name] != after.traits[name]}
                assert changed <= set(goal.edit)
                assert figure.seen()[goal.trait] not in goal.values
                assert after.seen()[goal.trait] in goal.values
    assert edited > 400


def test_the_spreads_that_identity_is_measured_in_are_those_of_scenes() -> None:
    rng = random.Random(1)
    places = [draw_scene({"ink": [0]}, rng, pairs=0.0).places[0] for _ in range(4000)]
    for name, spread in SPREAD.items():
        unit = TILT_UNIT if name == "tilt" else 1.0
        assert stdev(getattr(place, name) for place in places) / unit == pytest.approx(spread, rel=0.05)
