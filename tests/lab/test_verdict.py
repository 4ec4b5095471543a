"""What counts as a win."""

from __future__ import annotations

import pytest

from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Point
from attrbank.schema.measured import Estimate, Matched
from lab.figures.verdict import missed, requirements


def curve(
    competitor: str, *, reached: bool = True, monotonicity: float = 1.0, rows: float = 50, **figures: float
) -> Curve:
    estimates = {name: Estimate(value=value, low=value, high=value) for name, value in figures.items()}
    return Curve(
        competitor=competitor,
        points=(Point(strength=1.0, figures=estimates, unet_evaluations=rows, seconds=1.0),),
        matched=Matched(strength=1.0, reached=reached, figures=estimates),
        monotonicity=monotonicity,
        smoothness=1.0,
        usable=None,
    )


def attribute(*curves: Curve, size_bytes: int = 8_000, **limit: float) -> AttributeFigures:
    return AttributeFigures(
        name="old", id="a" * 64, target="", size_bytes=size_bytes, pictures=30, limit=limit, unedited={}, curves=curves
    )


TARGET = curve("target-prompt", flips=0.2, identity=1.0)
SWITCH = curve("prompt-switch", flips=0.05, identity=0.4)
GOOD = {"flips": 0.05, "identity": 0.4, "excess": 0.15}


def test_meeting_every_bound_exactly_is_a_win():
    found = requirements(attribute(curve("attribute", **GOOD), TARGET, SWITCH))
    assert [name for name, met in found if met] == [
        *("success", "flips", "identity", "distance", "monotone", "cost", "size")
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"flips": 0.06}, "flips"),
        ({"identity": 0.45}, "identity"),
        ({"excess": 0.16}, "distance"),
        ({"monotonicity": 0.8}, "monotone"),
        ({"rows": 52}, "cost"),
        ({"reached": False}, "success"),
    ],
)
def test_each_bound_is_missed_by_itself(changes, expected):
    assert missed(attribute(curve("attribute", **(GOOD | changes)), TARGET, SWITCH)) == expected


def test_few_flips_are_few_whatever_the_rivals_do():
    gentle = curve("target-prompt", flips=0.0, identity=1.0)
    assert missed(attribute(curve("attribute", **(GOOD | {"flips": 0.02})), gentle)) == "–"


def test_nobody_is_asked_to_change_less_than_the_renderer_does():
    close = curve("attribute", **(GOOD | {"identity": 0.45}))
    assert missed(attribute(close, TARGET, SWITCH, identity=0.45)) == "–"
    assert missed(attribute(close, TARGET, SWITCH, identity=0.44)) == "identity"


def test_a_switch_that_does_nothing_is_no_measure():
    idle = curve("prompt-switch", reached=False, flips=0.0, identity=0.0)
    assert missed(attribute(curve("attribute", **(GOOD | {"flips": 0.1, "identity": 0.5})), TARGET, idle)) == "–"


def test_a_heavy_attribute_misses_its_size():
    assert missed(attribute(curve("attribute", **GOOD), TARGET, size_bytes=64_001)) == "size"
