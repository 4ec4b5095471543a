"""What guidance did, as a table."""

from __future__ import annotations

from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Point
from attrbank.schema.measured import Estimate, Matched
from lab.figures import guidance
from tests.helpers.measured import PROTOCOL


def curve(competitor: str, costs: dict[float, float]) -> Curve:
    values = {"success": 0.75, "damage": 0.25, "flips": 0.1, "identity": 0.2}
    figures = {name: Estimate(value=value, low=value, high=value) for name, value in values.items()}
    points = tuple(Point(strength=s, figures=figures, unet_evaluations=cost, seconds=1.0) for s, cost in costs.items())
    matched = Matched(strength=1.0, reached=True, figures=figures)
    return Curve(competitor=competitor, points=points, matched=matched, monotonicity=1.0, smoothness=1.0, usable=None)


def attribute(name: str, *curves: Curve) -> AttributeFigures:
    return AttributeFigures(
        name=name, id=name, target="t", size_bytes=1, pictures=9, limit={}, unedited={}, curves=curves
    )


def test_every_way_has_a_row_for_each_strength_that_it_was_measured_at() -> None:
    figures = Figures(
        protocol=PROTOCOL,
        attributes=(
            attribute("young", curve("target-prompt", {1.0: 50.0}), curve("method:sega", {1.0: 100.0, 2.0: 100.0})),
            attribute("smile", curve("method:sega", {1.0: 86.4})),
        ),
    )
    cell = "0.75 / 0.25 / 0.100 / 0.20"
    assert guidance.table(figures).splitlines()[2:] == [
        f"| target prompt | 1 | 50 | {cell} | – |",
        f"| sega | 1 | 86 to 100 | {cell} | {cell} |",
        f"| sega | 2 | 100 | {cell} | – |",
    ]
    assert "young, 9 pictures" in guidance.table(figures)
