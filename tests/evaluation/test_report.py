"""What the report says, and what it keeps back."""

from __future__ import annotations

import re

import pytest

from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Learning, Point
from attrbank.evaluation.report.page import page
from attrbank.evaluation.report.plots import COLUMNS, TOGETHER, colours_of, curves_svg
from attrbank.evaluation.report.tables import columns, rows
from attrbank.evaluation.report.verdict import verdict, warning
from attrbank.schema.measured import Estimate, Matched
from tests.helpers.measured import PROTOCOL

LEARNING = Learning(seeds=8, evaluations=640, seconds=12.3, size_bytes=4_200)


class NoPictures:
    def sweep(self, attribute: str, competitor: str) -> list[object]:
        return []


def estimates(**values: float) -> dict[str, Estimate]:
    return {name: Estimate(value=value, low=value - 0.01, high=value + 0.01) for name, value in values.items()}


def curve(name: str, distance: float = 0.2, at: float = 1.0, reached: bool = True) -> Curve:
    """Of two strengths, 0.5 and 1, the second of which is so far from the unedited picture."""
    points = tuple(
        Point(
            strength=s,
            figures=estimates(success=s, flips=0.1, identity=0.3, perceptual=s * distance, effect=s),
            unet_evaluations=50,
            seconds=1,
        )
        for s in (0.5, 1.0)
    )
    found = Matched(strength=at, reached=reached, figures=estimates(success=0.95, flips=0.1, perceptual=distance))
    return Curve(
        competitor=name, points=points, matched=found, monotonicity=1, smoothness=1, usable=None, learning=LEARNING
    )


def attribute(*curves: Curve, pictures: int = 12, **more: object) -> AttributeFigures:
    return AttributeFigures(
        name="old",
        id="a" * 64,
        target="t",
        size_bytes=9,
        pictures=pictures,
        limit={"perceptual": 0.1},
        unedited={},
        curves=curves,
        **more,
    )


def cells(found: AttributeFigures, competitor: str) -> dict[str, str]:
    figures = Figures(protocol=PROTOCOL, attributes=(found,))
    (row,) = (row for row in rows(figures) if row[1] == competitor)
    return dict(zip(columns(figures), row, strict=True))


def test_a_figure_that_lines_have_made_has_no_interval() -> None:
    found = attribute(curve("attribute", at=1.0), curve("between", at=0.9))
    assert cells(found, "attribute")["FLIPS"] == "0.10 [0.09, 0.11]"
    assert cells(found, "between")["FLIPS"] == "0.10"


def test_success_is_told_at_the_distance_of_a_perfect_edit() -> None:
    found = attribute(curve("attribute", distance=0.2), curve("gentle", distance=0.1))
    assert cells(found, "attribute")["WITHIN"] == "0.50"
    assert cells(found, "gentle")["WITHIN"] == "1.00"


def test_where_nobody_knows_a_perfect_edit_the_attributes_own_distance_is_the_measure() -> None:
    found = attribute(curve("attribute", distance=0.2), curve("far", distance=0.4)).model_copy(update={"limit": {}})
    assert cells(found, "far")["WITHIN"] == "0.50"


def test_what_learning_took_has_evaluations_before_seconds_and_then_the_size() -> None:
    assert cells(attribute(curve("attribute")), "attribute")["LEARNED"] == "640 / 12 s / 4.2 KB"


def test_the_verdict_counts_who_does_better_and_names_the_best() -> None:
    found = attribute(curve("attribute"), curve("a", 0.15), curve("b", 0.1), curve("c", 0.05, reached=False))
    assert verdict(found).startswith("It gets to a success of .95, at strength 1.00; of 3 other ways 2 get to .95: ")
    assert "2 at less distance than its 0.200 (least: b, 0.100)" in verdict(found)
    assert "none with fewer flips" in verdict(found)


def test_the_verdict_says_first_what_is_missed() -> None:
    found = attribute(curve("attribute", reached=False), curve("a"))
    assert verdict(found) == "It never gets to a success of .95, and at most to 1.00; of 1 other ways 1 get to .95."


@pytest.mark.parametrize(("pictures", "warned"), [(1, True), (12, True), (200, False)])
def test_few_pictures_are_warned_of(pictures: int, warned: bool) -> None:
    assert (warning(pictures) is not None) == warned


def test_many_competitors_have_a_plot_each_and_few_have_colours_of_their_own() -> None:
    many = [curve("attribute"), *(curve(f"method:m{n}") for n in range(TOGETHER))]
    svg = curves_svg(attribute(*many))
    assert all(f">{one.competitor}<" in svg for one in many)
    few = [one.competitor for one in many[:TOGETHER]]
    assert len({colours_of(few)[name] for name in few}) == len(few)
    assert len(many) > COLUMNS


def test_the_page_marks_what_is_better_and_names_what_was_not_measured() -> None:
    left_out = {"method:rude": "The model has <no> bottleneck."}
    found = attribute(curve("attribute"), curve("a"), curve("b"), left_out=left_out)
    other = found.model_copy(update={"name": "young"})
    html = page(Figures(protocol=PROTOCOL, attributes=(found, other)), NoPictures())  # type: ignore[arg-type]
    assert re.search(r'<th title="lower is better">flips ↓</th>', html)
    assert re.search(r'<th title="higher is better">success ↑</th>', html)
    assert "<em>method:rude</em> (The model has &lt;no&gt; bottleneck.)" in html
    assert html.count("Only 12 pictures") == 2
    assert "Success at the distance of a perfect edit" in html
