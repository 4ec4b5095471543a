"""Schedulers of diffusers as samplers: whole runs agree with diffusers' own loop, and edits survive."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor

from attrbank.diffusers import SchedulerSampler
from attrbank.diffusion.prediction import from_epsilon, from_velocity
from attrbank.diffusion.protocols import Grid, Prediction
from attrbank.diffusion.schedule import Schedule, nearest_alpha_bar_index, nearest_index, timestep_grid
from attrbank.errors import IncompatibleError, InvalidValueError

SHAPE = (2, 4, 8, 8)
CONFIG = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "timestep_spacing": "leading",
    "steps_offset": 1,
}
SCHEDULE = Schedule.from_config(CONFIG)
STEPS = 9

ONE_STAGE = (
    "DDIMScheduler",
    "DDPMScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DPMSolverMultistepScheduler",
)
ALL = (*ONE_STAGE, "HeunDiscreteScheduler")


def network(x: Tensor, t: float) -> Tensor:
    """A prediction of noise that is not linear in x, and knows the time."""
    return torch.tanh(x * 1.5 + 0.3) + t / 2000


def noises(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(SHAPE, generator=generator) for _ in range(count)]


def initial() -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))


def our_run(sampler: SchedulerSampler, grid: Grid, edits: dict[int, Tensor] | None = None) -> list[Tensor]:
    x, state, latents = initial(), None, []
    for index, ((t, t_prev), noise) in enumerate(zip(grid, noises(len(grid)), strict=True)):
        if edits and index in edits:
            x, state = x + edits[index], None
        prediction = from_epsilon(x, network(x, t), SCHEDULE.alpha_bar(t))
        handed = noise if sampler.stochastic else None
        x, state = sampler.step(x, prediction, t, t_prev, SCHEDULE, handed, copy.deepcopy(state))
        latents.append(x)
    return latents


def their_scheduler(name: str, steps: int = STEPS) -> Any:
    """Theirs on our timesteps; DPM-Solver alone lays out another leading grid."""
    unclipped = {"clip_sample": False} if name in ("DDIMScheduler", "DDPMScheduler") else {}
    scheduler = getattr(diffusers, name)(**CONFIG, **unclipped)
    if name == "DPMSolverMultistepScheduler":
        scheduler.set_timesteps(timesteps=[t for t, _ in timestep_grid(steps, SCHEDULE)])
    else:
        scheduler.set_timesteps(steps)
    return scheduler


def their_run(name: str, monkeypatch: pytest.MonkeyPatch, steps: int = STEPS) -> list[Tensor]:
    scheduler, drawn = their_scheduler(name, steps), iter(noises(2 * steps))
    for module in ("scheduling_ddpm", "scheduling_euler_ancestral_discrete"):
        monkeypatch.setattr(f"diffusers.schedulers.{module}.randn_tensor", lambda *_, **__: next(drawn))
    x, latents = initial() * scheduler.init_noise_sigma, []
    for t in scheduler.timesteps:
        output = network(scheduler.scale_model_input(x, t), float(t))
        x = scheduler.step(output, t, x).prev_sample
        latents.append(x)
    return latents


@pytest.mark.parametrize("name", ONE_STAGE)
def test_a_whole_run_is_that_of_diffusers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = timestep_grid(STEPS, SCHEDULE)
    sampler = SchedulerSampler("theirs", name)
    assert sampler.grid(STEPS, SCHEDULE) == grid
    ours, theirs = our_run(sampler, grid)[-1], their_run(name, monkeypatch)[-1]
    torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=2e-4)


def test_heuns_method_is_that_of_diffusers_with_both_halves_on_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = SchedulerSampler("heun", "HeunDiscreteScheduler")
    grid = sampler.grid(2 * STEPS - 1, SCHEDULE)
    assert [t for t, _ in grid] == their_scheduler("HeunDiscreteScheduler").timesteps.tolist()
    ours, theirs = our_run(sampler, grid)[-1], their_run("HeunDiscreteScheduler", monkeypatch)[-1]
    torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("steps", [1, 2, 7, 8, 50])
def test_a_step_is_an_evaluation_and_pairs_chain_to_the_clean_end(name: str, steps: int) -> None:
    grid = SchedulerSampler("theirs", name).grid(steps, SCHEDULE)
    assert len(grid) == steps
    assert [t_prev for _, t_prev in grid] == [*(t for t, _ in grid[1:]), -1]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("steps", [0, -3, 1001])
def test_steps_that_do_not_fit_are_refused(name: str, steps: int) -> None:
    with pytest.raises(InvalidValueError):
        SchedulerSampler("theirs", name).grid(steps, SCHEDULE)


@pytest.mark.parametrize("name", ALL)
def test_a_perfect_prediction_of_one_point_ends_at_that_point(name: str) -> None:
    sampler, point = SchedulerSampler("theirs", name), torch.full(SHAPE, 0.7)
    schedule = Schedule.from_config({**CONFIG, "timestep_spacing": "trailing"})
    x, state = initial(), None
    for t, t_prev in sampler.grid(8, schedule):
        alpha_bar = schedule.alpha_bar(t)
        prediction = Prediction((x - alpha_bar**0.5 * point) / (1 - alpha_bar) ** 0.5, point)
        x, state = sampler.step(x, prediction, t, t_prev, schedule, torch.randn(SHAPE), state)
    torch.testing.assert_close(x, point, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "order"),
    [("EulerDiscreteScheduler", 1), ("HeunDiscreteScheduler", 2), ("DPMSolverMultistepScheduler", 2)],
)
def test_the_error_falls_with_the_schedulers_order_before_the_clean_end(name: str, order: int) -> None:
    """The jump to the clean end is Euler's for all of them, so that runs of known outcome are judged on the way."""
    sampler, variance = SchedulerSampler("theirs", name), 4.0

    def deviation(t: int) -> float:
        return float(SCHEDULE.alpha_bar(t) * variance + 1 - SCHEDULE.alpha_bar(t)) ** 0.5

    def error(steps: int) -> float:
        grid = [pair for pair in sampler.grid(steps, SCHEDULE) if pair[1] >= 200]
        x, state = torch.full((1, 1, 1, 1), deviation(grid[0][0]), dtype=torch.float64), None
        for t, t_prev in grid:
            eps = (1 - SCHEDULE.alpha_bar(t)) ** 0.5 * x / deviation(t) ** 2
            x, state = sampler.step(x, from_epsilon(x, eps, SCHEDULE.alpha_bar(t)), t, t_prev, SCHEDULE, None, state)
        return abs(float(x) / deviation(grid[-1][1]) - 1)

    assert 0.75 * 2**order < error(49) / error(99) < 1.35 * 2**order


@pytest.mark.parametrize("name", ALL)
def test_an_edit_survives_and_the_step_after_it_is_of_first_order(name: str) -> None:
    """From an edited latent on, the run is what it would be had it begun there."""
    sampler = SchedulerSampler("theirs", name)
    grid = sampler.grid(STEPS, SCHEDULE)
    index = nearest_index(grid, SCHEDULE, 0.5)
    x = our_run(sampler, grid)[index - 1]
    edit = 0.5 * torch.ones(SHAPE)
    edited = our_run(sampler, grid, {index: edit})[index]
    t, t_prev = grid[index]
    prediction = from_epsilon(x + edit, network(x + edit, t), SCHEDULE.alpha_bar(t))
    afresh, _ = SchedulerSampler("theirs", name).step(
        x + edit, prediction, t, t_prev, SCHEDULE, noises(STEPS)[index], None
    )
    assert torch.equal(edited, afresh)
    assert float((edited - our_run(sampler, grid)[index]).abs().mean()) > 0.1


def test_a_multistep_scheduler_remembers_until_it_is_told_to_forget() -> None:
    sampler = SchedulerSampler("theirs", "DPMSolverMultistepScheduler")
    grid = sampler.grid(STEPS, SCHEDULE)
    remembering = our_run(sampler, grid)
    forgetful = our_run(sampler, grid, {4: torch.zeros(SHAPE)})
    assert torch.equal(remembering[3], forgetful[3])
    assert not torch.allclose(remembering[4], forgetful[4], atol=1e-3)


def test_edits_never_fall_between_a_prediction_and_its_correction() -> None:
    grid = SchedulerSampler("heun", "HeunDiscreteScheduler").grid(STEPS, SCHEDULE)
    for t, _ in grid:
        for index in (
            nearest_index(grid, SCHEDULE, t / 1000),
            nearest_alpha_bar_index(grid, SCHEDULE, SCHEDULE.alpha_bar(t)),
        ):
            assert grid[index][0] == t
            assert grid[index][1] < t


def test_a_correction_without_memory_leaves_the_latent_as_it_is() -> None:
    sampler, x = SchedulerSampler("heun", "HeunDiscreteScheduler"), initial()
    assert sampler.step(x, Prediction(x, x), 500, 500, SCHEDULE, None, None) == (x, None)


@pytest.mark.parametrize("name", ["DDPMScheduler", "EulerAncestralDiscreteScheduler"])
def test_the_only_noise_is_the_one_handed_in(name: str) -> None:
    sampler, x, before = SchedulerSampler("theirs", name), initial(), torch.random.get_rng_state()
    first, second = noises(2)
    results = [sampler.step(x, Prediction(x, x), 501, 401, SCHEDULE, n, None)[0] for n in (first, first, second)]
    assert torch.equal(results[0], results[1])
    added = results[0] - results[2]
    factor = float((added / (first - second)).median())
    assert factor > 0.1
    torch.testing.assert_close(added, factor * (first - second), atol=1e-5, rtol=1e-4)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", ["DDPMScheduler", "EulerAncestralDiscreteScheduler"])
def test_a_stochastic_scheduler_without_noise_is_refused(name: str) -> None:
    x = initial()
    with pytest.raises(InvalidValueError, match="theirs needs noise"):
        SchedulerSampler("theirs", name).step(x, Prediction(x, x), 501, 401, SCHEDULE, None, None)


@pytest.mark.parametrize("name", ALL)
def test_zero_terminal_signal_is_no_obstacle(name: str) -> None:
    """At ᾱ = 0 only the velocity tells x̂0, and σ is infinite."""
    schedule = Schedule.from_config({**CONFIG, "timestep_spacing": "trailing", "rescale_betas_zero_snr": True})
    sampler, x0 = SchedulerSampler("theirs", name), torch.full(SHAPE, 0.5)
    t, t_prev = sampler.grid(10, schedule)[0]
    assert schedule.alpha_bar(t) == pytest.approx(0, abs=1e-9)
    moved, _ = sampler.step(
        initial(), from_velocity(initial(), -x0, 0.0), t, t_prev, schedule, torch.zeros(SHAPE), None
    )
    alpha_bar = schedule.alpha_bar(t_prev)
    expected = alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * initial()
    if sampler.stochastic:
        assert bool(moved.isfinite().all())
    else:
        torch.testing.assert_close(moved, expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("name", sorted(set(ALL) - {"DDPMScheduler", "EulerAncestralDiscreteScheduler"}))
def test_an_asymmetric_prediction_keeps_both_of_its_parts(name: str) -> None:
    """Asyrp changes x̂0 and leaves ε: the step goes to √ᾱ x̂0 + √(1−ᾱ) ε all the same."""
    x, eps, x0 = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(2))
    moved, _ = SchedulerSampler("theirs", name).step(x, Prediction(eps, x0), 501, 401, SCHEDULE, None, None)
    alpha_bar = SCHEDULE.alpha_bar(401)
    torch.testing.assert_close(moved, alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * eps, atol=1e-5, rtol=1e-5)


def test_unipc_is_refused_with_the_reason() -> None:
    with pytest.raises(IncompatibleError, match=r"corrector .* discards an edit"):
        SchedulerSampler("unipc", "UniPCMultistepScheduler")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("PNDMScheduler", "forget"), ("FlowMatchEulerDiscreteScheduler", "variance"), ("LMSDiscreteScheduler", "know")],
)
def test_an_unsupported_scheduler_is_refused_with_the_reason_and_others_are_offered(name: str, reason: str) -> None:
    with pytest.raises(IncompatibleError, match=reason) as refusal:
        SchedulerSampler("theirs", name)
    assert "EulerDiscrete" in str(refusal.value.hint)


def test_a_grid_loads_neither_torch_nor_diffusers() -> None:
    code = (
        "import sys\nfrom attrbank.diffusers import SchedulerSampler\n"
        "from attrbank.diffusion.schedule import Schedule\n"
        "SchedulerSampler('euler', 'EulerDiscreteScheduler').grid(2, Schedule((0.9, 0.8, 0.5)))\n"
        "print([name for name in ('torch', 'diffusers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
