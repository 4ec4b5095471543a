"""Curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from attrbank.evaluation.numbers.curves import matched, monotonicity, smoothness, success_within, usable
from attrbank.evaluation.numbers.estimates import mean, share


def sweep(success: list[float], pictures: int = 100, **figures: list[float]) -> dict[str, np.ndarray]:
    """Values (S, N): the first pictures of each strength succeed, and other figures are the same for all."""
    hits = [[float(n < round(s * pictures)) for n in range(pictures)] for s in success]
    return {"success": np.array(hits), **{n: np.repeat(np.array(v)[:, None], pictures, 1) for n, v in figures.items()}}


def test_figures_are_read_between_strengths_where_success_is_95_percent():
    found = matched([0.5, 1.0, 1.5], sweep([0.2, 0.9, 1.0], flips=[0.0, 0.1, 0.3]), {})
    assert found.reached
    assert found.strength == pytest.approx(1.25)
    assert found.figures["success"].value == pytest.approx(0.95)
    assert found.figures["flips"].value == pytest.approx(0.2)


def test_the_first_crossing_counts_even_if_success_falls_again():
    found = matched([1, 2, 3], sweep([0.9, 1.0, 0.5], flips=[0.1, 0.2, 0.9]), {})
    assert found.strength == pytest.approx(1.5)


def test_a_curve_that_starts_above_is_taken_where_it_starts():
    found = matched([0.4, 0.7], sweep([1.0, 1.0], flips=[0.1, 0.5]), {})
    assert (found.strength, found.figures["flips"].value) == (0.4, pytest.approx(0.1))


def test_a_curve_that_never_gets_there_is_taken_at_its_best_and_says_so():
    found = matched([0.4, 0.7, 1.0], sweep([0.1, 0.6, 0.5], flips=[0.1, 0.2, 0.3]), {})
    assert not found.reached
    assert (found.strength, found.figures["success"].value) == (0.7, pytest.approx(0.6))


def test_excess_is_relative_to_the_limit():
    found = matched([1.0], sweep([1.0], perceptual=[0.3]), {"perceptual": 0.2})
    assert found.figures["excess"].value == pytest.approx(0.5)


def test_intervals_hold_the_figure_and_shrink_with_more_pictures():
    rng = np.random.default_rng(1)

    def width(count: int) -> float:
        values = {"success": np.ones((2, count)), "flips": rng.random((2, count))}
        found = matched([1, 2], values, {}).figures["flips"]
        assert found.low < found.value < found.high
        return found.high - found.low

    assert width(400) < width(25) / 2


def test_monotonicity_counts_the_steps_that_do_not_fall():
    assert monotonicity([-3, -1, 0, 0, 2]) == 1
    assert monotonicity([-3, -1, -2, 0]) == pytest.approx(2 / 3)


def test_damage_is_read_where_success_is_matched():
    found = matched([0.5, 1.0], sweep([0.9, 1.0], damage=[0.0, 0.4]), {})
    assert found.figures["damage"].value == pytest.approx(0.2)


def test_smoothness_is_one_for_a_straight_line_however_the_strengths_are_spaced():
    assert smoothness([0, 1, 3], [0, 2, 6]) == pytest.approx(1)
    assert smoothness([0, 1, 2], [0, 0, 6]) == pytest.approx(0.5)


def test_the_usable_range_ends_where_the_effect_falls_or_the_picture_is_overdone():
    strengths, success = [0.4, 0.7, 1.0, 1.3], [0.2, 0.6, 1.0, 1.0]
    assert usable(strengths, success, [0, 1, 2, 3]) == (0.7, 1.3)
    assert usable(strengths, success, [0, 1, 2, 1.5]) == (0.7, 1.0)
    assert usable(strengths, success, [0, 1, 2, 3], [0.1, 0.2, 0.3, 0.5], 0.2) == (0.7, 1.0)
    assert usable(strengths, [0.0, 0.1, 0.2, 0.3], [0, 1, 2, 3]) is None


def test_wilsons_interval_knows_how_little_ten_hits_say():
    found = share(np.ones(10, dtype=bool))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.722, abs=0.001)


@pytest.mark.parametrize("count", range(1, 65))
def test_wilsons_interval_holds_a_share_of_none_and_of_all(count):
    none, every = share(np.zeros(count, bool)), share(np.ones(count, bool))
    assert none.low == none.value == 0 < none.high
    assert every.low < 1 == every.value == every.high


def test_a_means_interval_is_about_two_standard_errors_and_stays_within_the_figures():
    values = np.random.default_rng(3).random(400)
    found = mean(values)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    rare = mean(np.array([0.0] * 20 + [1.0]))
    assert rare.low == 0


@pytest.mark.parametrize(
    ("sweep", "most", "expected"),
    [
        ([(0.1, 0.5), (0.2, 1.0)], 0.15, 0.75),  # half of the way between two strengths
        ([(0.1, 0.5), (0.2, 1.0)], 0.05, 0.25),  # half of the way from the unedited picture
        ([(0.1, 0.5), (0.2, 1.0)], 0.3, 1.0),
        ([(0.1, 0.8), (0.3, 0.4)], 0.2, 0.8),  # what was there before it fell
        ([(0.3, 0.4), (0.1, 0.8)], 0.2, 0.8),  # what comes nearer again as it grows
        ([(0.4, 0.0), (0.4, 1.0)], 0.3, 0.0),  # nothing of what comes too far away
    ],
)
def test_success_is_read_where_pictures_are_no_farther_than_allowed(sweep, most: float, expected: float):
    assert success_within(sweep, most) == pytest.approx(expected)
