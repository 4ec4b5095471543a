"""What an apply costs follows from where edits act and what they need, and from nothing else."""

from __future__ import annotations

import pytest

from attrbank.diffusion.schedule import Schedule, nearest_index, timestep_grid
from attrbank.editing.cost import Stop, denoising_steps, rows_beside
from attrbank.methods.needs import Meanwhile, Needs, OtherRun

SCHEDULE = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})
GRID = timestep_grid(10, SCHEDULE)
AT_HALF = nearest_index(GRID, SCHEDULE, 0.5)


def cost(*stops: Stop, needs_before: bool = True, refinements: int | None = None) -> int:
    return denoising_steps(stops, GRID, SCHEDULE, needs_before=needs_before, refinements=refinements)


def test_two_pictures_share_what_lies_before_the_first_edit() -> None:
    assert cost(Stop(6, Needs())) == 10 + 4
    assert cost(Stop(6, Needs()), needs_before=False) == 10
    assert cost(Stop(2, Needs()), Stop(6, Needs())) == 10 + 8


def test_a_look_takes_the_unedited_picture_one_step_further() -> None:
    assert cost(Stop(6, Needs(looks=True)), needs_before=False) == 7 + 4


def test_a_look_at_what_is_edited_already_is_a_prediction_more() -> None:
    looks = Needs(looks=True)
    for with_before, plain in ((True, 10 + 8), (False, 2 + 8)):
        assert cost(Stop(2, Needs()), Stop(6, looks), needs_before=with_before) == plain + 1
        assert cost(Stop(2, Needs()), Stop(6, looks), Stop(6, looks), needs_before=with_before) == plain + 2
    assert cost(Stop(2, looks), Stop(6, looks), needs_before=False) == 3 + 8 + 1
    assert cost(Stop(2, Needs(), changes=False), Stop(6, looks), needs_before=False) == 7 + 8
    assert cost(Stop(2, looks, later=(3, 4, 6)), needs_before=False) == 3 + 8 + 3


def test_a_look_of_an_edit_that_does_nothing_is_at_the_unedited_picture() -> None:
    looks = Needs(looks=True)
    assert cost(Stop(6, looks, changes=False), Stop(6, looks)) == 10 + 4
    assert cost(Stop(6, Needs(looks=True))) == 10 + 4


def test_what_is_asked_for_at_each_step_of_an_interval_is_added() -> None:
    def rows(index: int, until: float, **stop: bool) -> int:
        return rows_beside([Stop(index, Needs(meanwhile=Meanwhile(2, until)), **stop)], GRID, SCHEDULE, "")

    assert rows(2, 0.5) == 2 * (AT_HALF - 2)
    assert rows(2, 0.0) == 2 * 8
    assert rows(8, 0.5) == rows(2, 0.0, changes=False) == 0
    both = [Stop(2, Needs(rows=3)), Stop(2, Needs(meanwhile=Meanwhile(1, 0.0)))]
    assert rows_beside(both, GRID, SCHEDULE, "") == 3 + 8


def test_other_runs_and_predictions_are_added() -> None:
    run = OtherRun(0.5)
    assert cost(Stop(6, Needs(runs=(run,)))) == 14 + AT_HALF
    assert cost(Stop(6, Needs(runs=(run._replace(predicted=True),) * 2))) == 14 + 2 * (AT_HALF + 1)
    assert cost(Stop(6, Needs(runs=(OtherRun(None),)))) == 14 + 6
    assert cost(Stop(6, Needs(predictions=3))) == 17
    assert cost(Stop(2, Needs()), Stop(6, Needs(predictions=1)), needs_before=False) == 6 + 8 + 1


def test_the_unedited_picture_runs_beside_the_edited_one_as_far_as_it_has_to() -> None:
    beside = Needs(beside=0.5)
    assert cost(Stop(2, beside)) == 10 + 8
    assert cost(Stop(2, beside), needs_before=False) == AT_HALF + 8
    assert cost(Stop(2, Needs(beside=0.0)), needs_before=False) == 10 + 8
    assert cost(Stop(2, beside, changes=False), needs_before=False) == 2 + 8


def test_a_step_that_was_looked_at_before_it_runs_beside_is_predicted_again() -> None:
    looks, beside = Needs(looks=True), Needs(beside=0.5)
    assert cost(Stop(2, looks), Stop(2, beside)) == 10 + 8 + 1
    assert cost(Stop(2, beside), Stop(2, looks)) == 10 + 8 + 1
    assert cost(Stop(1, looks), Stop(2, beside)) == 10 + 9
    empty = Needs(beside=(GRID[2][0] - 1) / SCHEDULE.train_timesteps)
    assert cost(Stop(2, looks), Stop(2, empty)) == 10 + 8, "on a coarse grid it may end where it begins"


@pytest.mark.parametrize("refinements", [0, 1])
def test_a_picture_is_inverted_as_far_as_an_edit_needs(refinements: int) -> None:
    assert cost(Stop(6, Needs()), refinements=refinements) == 4 * (1 + refinements) + 8
    to_the_noise = cost(Stop(6, Needs(runs=(OtherRun(0.5),))), refinements=refinements)
    assert to_the_noise == 10 * (1 + refinements) + 8 + AT_HALF
