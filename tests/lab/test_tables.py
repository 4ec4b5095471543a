"""Figures as tables."""

from __future__ import annotations

from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Point
from attrbank.evaluation.report.tables import columns, rows
from attrbank.schema.measured import Estimate, Matched
from lab.figures import placebo
from lab.figures.tables import at_equal_success, at_strength_one, distributions, in_short
from tests.helpers.measured import PROTOCOL


def estimates(**values: float) -> dict[str, Estimate]:
    return {name: Estimate(value=value, low=value - 0.01, high=value + 0.01) for name, value in values.items()}


def curve(competitor: str, points: dict[float, float], reached: bool = True) -> Curve:
    return Curve(
        competitor=competitor,
        points=tuple(
            Point(
                strength=strength,
                figures=estimates(success=success, flips=0.1, identity=0.2, perceptual=0.3),
                unet_evaluations=50,
                seconds=0.5,
            )
            for strength, success in points.items()
        ),
        matched=Matched(
            strength=0.9,
            reached=reached,
            figures=estimates(success=0.5, flips=0.0123, identity=0.234, perceptual=0.345),
        ),
        monotonicity=1.0,
        smoothness=0.5,
        usable=None,
    )


FIGURES = Figures(
    protocol=PROTOCOL,
    attributes=(
        AttributeFigures(
            name="old",
            id="a" * 64,
            target="a photo of an old person",
            size_bytes=1000,
            pictures=36,
            limit={"success": 1.0, "flips": 0.001, "identity": 0.15, "perceptual": 0.31},
            unedited={},
            curves=(
                curve("attribute", {0.5: 0.4, 1.0: 0.97}),
                curve("target-prompt", {1.0: 1.0}),
                curve("prompt-switch", {0.4: 0.0, 0.7: 0.8, 0.9: 0.8}, reached=False),
            ),
        ),
    ),
)


def test_equal_success_says_who_never_gets_there():
    row = at_equal_success(FIGURES).splitlines()[-1]
    ours = "0.012 / 0.23 / 0.345"
    cells = f"0.90: {ours} | {ours} | 0.90 T: (0.50) {ours} | 0.001 / 0.15 / 0.310"
    assert row == f"| old | 36 | {cells} | identity |"


def test_strength_one_takes_the_mildest_of_the_best_switches():
    row = at_strength_one(FIGURES).splitlines()[-1]
    assert "| 0.97 [0.96, 0.98] / 0.100 / 0.20 / 0.300 |" in row
    assert "| 0.7 T: 0.80 [0.79, 0.81] / 0.100 / 0.20 / 0.300 |" in row


def test_the_first_page_puts_the_attribute_beside_the_target_prompt():
    assert in_short(FIGURES).splitlines()[-1] == "| old | 36 | 0.97 / 0.100 / 0.20 | 1.00 / 0.100 / 0.20 |"


def test_distributions_that_were_not_measured_are_dashes():
    row = distributions(FIGURES).splitlines()[-1]
    assert row.startswith("| old | 36 |")
    assert len(set(row.split(" | ")[2:-1])) == 1


def judged_further(figures: Figures) -> Figures:
    """The same by a judge that also knows damage, FID and diversity."""
    (old,) = figures.attributes
    distances = {"fid": 1.234, "diversity": 0.58}

    def further(curve: Curve) -> Curve:
        points = [
            p.model_copy(update={"figures": p.figures | estimates(damage=0.25), "distances": distances})
            for p in curve.points
        ]
        matched = curve.matched.model_copy(update={"figures": curve.matched.figures | estimates(damage=0.125)})
        return curve.model_copy(update={"points": tuple(points), "matched": matched})

    update = {
        "curves": tuple(map(further, old.curves)),
        "limit": old.limit | {"damage": 0.02},
        "unedited": {"fid": 9.0, "diversity": 1.0},
    }
    return figures.model_copy(update={"attributes": (old.model_copy(update=update),)})


def test_damage_follows_success_in_every_table_where_the_judge_can_tell():
    found = judged_further(FIGURES)
    assert in_short(found).splitlines()[-1] == "| old | 36 | 0.97 / 0.25 / 0.100 / 0.20 | 1.00 / 0.25 / 0.100 / 0.20 |"
    assert "| 0.97 [0.96, 0.98] / 0.25 / 0.100 / 0.20 / 0.300 |" in at_strength_one(found)
    assert "| 0.90: 0.12 / 0.012 / 0.23 / 0.345 |" in at_equal_success(found)
    assert "| 0.02 / 0.001 / 0.15 / 0.310 |" in at_equal_success(found)


def test_what_is_said_of_all_pictures_together_is_what_was_measured():
    row = distributions(judged_further(FIGURES)).splitlines()[-1]
    assert row == "| old | 36 | 9.00 / 1.00 | 1.23 / 0.58 | 1.23 / 0.58 | 1.23 / 0.58 |"


def test_the_terminal_has_a_column_for_what_the_judge_can_tell_and_no_other():
    further = judged_further(FIGURES)
    assert set(columns(further)) - set(columns(FIGURES)) == {"DAMAGE", "FID", "DIVERSITY"}
    limit, ours, *_ = (dict(zip(columns(further), row, strict=True)) for row in rows(further))
    assert (limit["DAMAGE"], limit["FID"]) == ("0.02", "")
    assert (ours["DAMAGE"], ours["FID"], ours["DIVERSITY"]) == ("0.12", "1.23", "0.58")


def test_the_placebo_stands_beside_what_it_is_a_placebo_of():
    (old,) = FIGURES.attributes
    both = old.model_copy(update={"curves": (curve("own-z", {1.0: 0.1}), curve("paper", {1.0: 0.6}))})
    row = placebo.table(FIGURES.model_copy(update={"attributes": (both,)})).splitlines()[-1]
    assert row.startswith("| old | 36 | 0.60 [")
    assert "| 0.10 [" in row


def test_every_row_of_the_terminal_fits_its_columns():
    found = list(rows(FIGURES))
    assert [row[1] for row in found] == ["limit", "attribute", "target-prompt", "prompt-switch"]
    assert {len(row) for row in found} == {len(columns(FIGURES))}


def test_figures_survive_json():
    assert Figures.model_validate_json(FIGURES.model_dump_json()) == FIGURES


def test_the_protocols_hash_tells_seeds_apart():
    assert PROTOCOL.hash != PROTOCOL.model_copy(update={"seeds": "10000-10031"}).hash
