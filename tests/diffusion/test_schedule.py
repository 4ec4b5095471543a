import math

import pytest
from diffusers import DDIMScheduler

from attrbank.diffusion.schedule import (
    Schedule,
    nearest_alpha_bar_index,
    nearest_index,
    timestep_at,
    timestep_grid,
)
from attrbank.errors import IncompatibleError, InvalidValueError

STABLE_DIFFUSION = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "steps_offset": 1,
    "set_alpha_to_one": False,
}


def schedule_of(**config: object) -> Schedule:
    return Schedule.from_config(STABLE_DIFFUSION | config)


@pytest.mark.parametrize("beta_schedule", ["linear", "scaled_linear", "squaredcos_cap_v2"])
@pytest.mark.parametrize("zero_snr", [False, True])
@pytest.mark.parametrize("set_alpha_to_one", [False, True])
def test_alpha_bars_are_those_of_diffusers(beta_schedule: str, zero_snr: bool, set_alpha_to_one: bool) -> None:
    config = {
        "beta_schedule": beta_schedule,
        "rescale_betas_zero_snr": zero_snr,
        "set_alpha_to_one": set_alpha_to_one,
    }
    theirs = DDIMScheduler(**STABLE_DIFFUSION | config)
    ours = schedule_of(**config)
    assert ours.alphas_cumprod == pytest.approx(theirs.alphas_cumprod.tolist(), rel=1e-4, abs=1e-7)
    assert ours.alpha_bar(-1) == pytest.approx(float(theirs.final_alpha_cumprod), rel=1e-5)


def test_defaults_are_those_of_diffusers() -> None:
    theirs = DDIMScheduler()
    ours = Schedule.from_config({})
    assert ours.alphas_cumprod == pytest.approx(theirs.alphas_cumprod.tolist(), rel=1e-4)
    assert (ours.spacing, ours.steps_offset, ours.final_alpha_bar) == ("leading", 0, 1.0)


def test_trained_betas_take_the_place_of_a_named_schedule() -> None:
    assert Schedule.from_config({"trained_betas": [0.1, 0.5]}).alphas_cumprod == pytest.approx((0.9, 0.45))


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("steps_offset", [0, 1])
def test_grid_timesteps_are_those_of_diffusers(spacing: str, steps_offset: int) -> None:
    config = {"timestep_spacing": spacing, "steps_offset": steps_offset}
    theirs, ours = DDIMScheduler(**STABLE_DIFFUSION | config), schedule_of(**config)
    for steps in [1, 2, 3, 7, 10, 16, 25, 30, 50, 99, 100, 250, 333, 999]:
        theirs.set_timesteps(steps)
        assert [t for t, _ in timestep_grid(steps, ours)] == theirs.timesteps.tolist()[:steps]


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
def test_each_step_ends_where_the_next_begins_and_the_last_ends_clean(spacing: str) -> None:
    grid = timestep_grid(30, schedule_of(timestep_spacing=spacing))
    assert [t_prev for _, t_prev in grid] == [*(t for t, _ in grid[1:]), -1]
    assert all(t > t_prev for t, t_prev in grid)


def test_spacing_can_be_overridden() -> None:
    assert timestep_grid(4, schedule_of(), "trailing") == ((999, 749), (749, 499), (499, 249), (249, -1))


def test_grid_of_all_timesteps_visits_each_once() -> None:
    for spacing in ("leading", "trailing", "linspace"):
        grid = timestep_grid(1000, schedule_of(timestep_spacing=spacing, steps_offset=0))
        assert [t for t, _ in grid] == list(range(999, -1, -1))


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_steps_outside_the_training_timesteps_are_refused(steps: int) -> None:
    with pytest.raises(InvalidValueError, match="1000 timesteps"):
        timestep_grid(steps, schedule_of())


def test_offset_that_runs_past_the_last_timestep_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="past the last timestep"):
        timestep_grid(1000, schedule_of(steps_offset=1))


@pytest.mark.parametrize(
    ("spacing", "expected"), [("leading", (801, 501)), ("trailing", (799, 499)), ("linspace", (795, 510))]
)
def test_fractions_fall_where_diffusers_puts_them(spacing: str, expected: tuple[int, int]) -> None:
    schedule = schedule_of(timestep_spacing=spacing)
    grid = timestep_grid(50, schedule)
    assert tuple(timestep_at(grid, nearest_index(grid, schedule, f)) for f in (0.8, 0.5)) == expected


def test_tie_goes_to_the_noisier_step() -> None:
    grid = ((700, 300), (300, -1))
    assert nearest_index(grid, schedule_of(), 0.5) == 0


def test_tie_survives_the_rounding_of_fractions() -> None:
    """In floats 0.57 × 100 is a little less than 57, which must not decide."""
    assert 0.57 * 100 < 57
    assert nearest_index(((58, 56), (56, -1)), schedule_of(num_train_timesteps=100), 0.57) == 0


def test_fraction_one_is_the_start_and_fraction_zero_the_clean_end() -> None:
    schedule = schedule_of()
    grid = timestep_grid(50, schedule)
    assert nearest_index(grid, schedule, 1.0) == 0
    assert timestep_at(grid, nearest_index(grid, schedule, 0.0)) == -1
    assert timestep_at(grid, nearest_index(grid, schedule, 1e-6)) == 1


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan])
def test_fraction_outside_the_unit_interval_is_refused(fraction: float) -> None:
    with pytest.raises(InvalidValueError, match="fraction"):
        nearest_index(timestep_grid(10, schedule_of()), schedule_of(), fraction)


def test_alpha_bar_finds_the_like_step_of_another_grid() -> None:
    schedule = schedule_of()
    fine, coarse = timestep_grid(50, schedule), timestep_grid(20, schedule, "trailing")
    alpha_bar = schedule.alpha_bar(fine[nearest_index(fine, schedule, 0.4)][0])
    found = coarse[nearest_alpha_bar_index(coarse, schedule, alpha_bar)][0]
    distances = {t: abs(schedule.alpha_bar(t) - alpha_bar) for t, _ in coarse}
    assert found == min(distances, key=lambda t: distances[t]) == 399


def test_alpha_bar_of_a_clean_latent_still_finds_a_step() -> None:
    schedule = schedule_of()
    grid = timestep_grid(10, schedule)
    assert nearest_alpha_bar_index(grid, schedule, 1.0) == len(grid) - 1


@pytest.mark.parametrize("t", [-2, 1000])
def test_timestep_outside_the_schedule_is_refused(t: int) -> None:
    with pytest.raises(InvalidValueError, match="outside 0 to 999"):
        schedule_of().alpha_bar(t)


@pytest.mark.parametrize(
    "config",
    [
        {"beta_schedule": "laplace"},
        {"timestep_spacing": "karras"},
        {"beta_start": "much"},
        {"beta_start": None},
        {"beta_start": -1},
        {"beta_end": 2.5},
        {"num_train_timesteps": 0},
        {"num_train_timesteps": 10**12},
        {"steps_offset": None},
        {"trained_betas": ["x"]},
        {"beta_start": 0.0, "beta_end": 0.0, "rescale_betas_zero_snr": True},
        {"beta_start": math.nan},
    ],
)
def test_schedule_that_cannot_be_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(IncompatibleError):
        schedule_of(**config)


def test_a_scheduler_that_thresholds_is_refused_and_not_run_without() -> None:
    with pytest.raises(IncompatibleError, match="thresholds"):
        schedule_of(thresholding=True)
