"""Runs on the small random model: whatever way a latent takes along the grid, it arrives at the same place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from attrbank.backbones.families import load
from attrbank.backbones.stable_diffusion.load import StableDiffusion
from attrbank.diffusion.flow import from_flow
from attrbank.diffusion.position import Position
from attrbank.diffusion.prediction import from_epsilon, from_velocity
from attrbank.diffusion.protocols import Grid, Prediction
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.diffusion.schedule import Schedule
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import InvalidValueError, NumericError, PluginError
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM


class TwoStep(DDIM):
    """DDIM along the mean of this noise and the last: the least sampler that has a state, and writes into it."""

    name = "two-step"

    def step(
        self, x: Tensor, prediction: Prediction, t: int, t_prev: int, schedule: Schedule, noise: Any, state: Any
    ) -> tuple[Tensor, Any]:
        history = [] if state is None else state
        history.append(prediction.eps)
        eps = torch.stack(history[-2:]).mean(0)
        smoothed = from_epsilon(x, eps, schedule.alpha_bar(t))
        return super().step(x, smoothed, t, t_prev, schedule, noise, None)[0], history


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path) -> StableDiffusion:
    return load(str(tiny_pipeline))


SAMPLERS = [DDIM(), DDPM(), TwoStep()]


def trajectory_of(backbone: StableDiffusion, sampler: Any, scale: float = 3.0, **options: Any) -> Trajectory:
    grid: Grid = sampler.grid(8, backbone.schedule)
    return Trajectory(backbone, sampler, grid=grid, guidance_scale=scale, **options)


def test_initial_noise_is_that_of_each_seeds_own_generator(backbone: StableDiffusion) -> None:
    start = trajectory_of(backbone, DDIM()).start([3, 11])
    expected = [torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(seed)) for seed in (3, 11)]
    assert torch.equal(start.latent, torch.cat(expected))
    assert start.index == 0


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_stopping_and_going_on_is_a_straight_run_bit_by_bit(backbone: StableDiffusion, sampler: Any) -> None:
    trajectory, prompt = trajectory_of(backbone, sampler), backbone.encode_prompts(["a man"])
    start = trajectory.start([1, 2])
    straight = trajectory.run(start, prompt)
    position = start
    for until in (0, 3, 4, 8):
        position = trajectory.run(position, prompt, until)
        assert position.index == until
    assert torch.equal(straight.latent, position.latent)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_run_leaves_the_position_it_started_from_as_it_was(backbone: StableDiffusion, sampler: Any) -> None:
    trajectory = trajectory_of(backbone, sampler)
    man, woman = (backbone.encode_prompts([prompt]) for prompt in ("a man", "a woman"))
    middle = trajectory.run(trajectory.start([1]), man, 4)
    first = trajectory.run(middle, man)
    other = trajectory.run(middle.branched(), woman)
    again = trajectory.run(middle, man)
    assert torch.equal(first.latent, again.latent)
    assert not torch.equal(first.latent, other.latent)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_batch_gives_what_each_seed_gives_alone(backbone: StableDiffusion, sampler: Any) -> None:
    trajectory = trajectory_of(backbone, sampler)
    prompts = ["a man", "a woman with glasses", "an old person"]
    together = trajectory.run(trajectory.start([5, 6, 7]), backbone.encode_prompts(prompts)).latent
    for row, (seed, prompt) in enumerate(zip((5, 6, 7), prompts, strict=True)):
        alone = trajectory.run(trajectory.start([seed]), backbone.encode_prompts([prompt])).latent
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("size", "rows"), [(16, 16), (32, 16), (64, 4), (96, 1), (128, 1), (512, 1)])
def test_large_latents_go_through_the_network_in_small_batches(size: int, rows: int) -> None:
    model = SimpleNamespace(latent_shape=(4, size, size))
    assert Trajectory(model, DDIM(), grid=(), guidance_scale=1).batch_size == rows  # type: ignore[arg-type]


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_chunks_do_not_change_the_result(backbone: StableDiffusion, batch_size: int) -> None:
    prompts = backbone.encode_prompts(["a man", "a woman", "a hat", "an old man", "a person"])
    whole, chunked = (trajectory_of(backbone, DDPM(), batch_size=size) for size in (16, batch_size))
    start = whole.start(range(5))
    expected, found = whole.run(start, prompts), chunked.run(start, prompts)
    torch.testing.assert_close(found.latent, expected.latent, atol=1e-4, rtol=1e-4)
    assert whole.evaluations == chunked.evaluations == 5 * 8 * 2


def test_step_noise_depends_on_seed_and_index_alone(backbone: StableDiffusion) -> None:
    trajectory, prompt = trajectory_of(backbone, DDPM()), backbone.encode_prompts(["a man"])
    latent = torch.zeros(2, 4, 16, 16)
    ends = [trajectory.run(Position(latent, index, (1, 2)), prompt, index + 1).latent for index in (3, 3, 4)]
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0][0], ends[0][1])
    assert not torch.equal(ends[1], ends[2])


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 5.0])
def test_prediction_is_guided_by_the_formula_and_below_1_by_the_prompt_alone(
    backbone: StableDiffusion, scale: float
) -> None:
    trajectory = trajectory_of(backbone, DDIM(), scale)
    position = trajectory.start([1, 2])
    empty, man = (backbone.encode_prompts([prompt] * 2) for prompt in ("", "a man"))
    u, c = (backbone.predict(position.latent, trajectory.grid[0][0], prompt).eps for prompt in (empty, man))
    eps, x0 = trajectory.predict(position, man)
    wanted = u + scale * (c - u) if scale > 1 else c
    torch.testing.assert_close(eps, wanted, atol=1e-5, rtol=1e-5)
    expected = from_epsilon(position.latent, eps, trajectory.alpha_bar(0)).x0
    torch.testing.assert_close(x0, expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(("scale", "expected"), [(0.0, 24), (0.5, 24), (1.0, 24), (1.5, 48), (7.5, 48)])
def test_evaluations_are_counted_by_row(backbone: StableDiffusion, scale: float, expected: int) -> None:
    trajectory = trajectory_of(backbone, DDIM(), scale)
    trajectory.run(trajectory.start([1, 2, 3]), backbone.encode_prompts(["a man"]))
    assert trajectory.evaluations == expected


class TakesGuidanceItself:
    """A backbone whose network would take the scale as an input; it keeps what it is handed."""

    guidance = "embedded"

    def __init__(self, backbone: StableDiffusion) -> None:
        self.latent_shape, self.schedule = backbone.latent_shape, backbone.schedule
        self.scales: list[Tensor] = []

    def predict(self, latent: Tensor, timestep: int, conditioning: Mapping[str, Tensor]) -> Prediction:
        self.scales.append(conditioning["guidance_scale"])
        return from_epsilon(latent, latent, self.schedule.alpha_bar(timestep))


def test_embedded_guidance_is_handed_the_scale_and_costs_one_evaluation(backbone: StableDiffusion) -> None:
    model = TakesGuidanceItself(backbone)
    trajectory = trajectory_of(model, DDIM(), 3.5, batch_size=2)  # type: ignore[arg-type]
    recommended = {"guidance_scale": torch.ones(1)}
    trajectory.predict(trajectory.start([1, 2, 3]), recommended)
    assert torch.equal(torch.cat(model.scales), torch.full((3,), 3.5))
    assert trajectory.evaluations == 3


def test_clean_end_predicts_itself_at_no_cost(backbone: StableDiffusion) -> None:
    trajectory, prompt = trajectory_of(backbone, DDIM()), backbone.encode_prompts(["a man"])
    end = trajectory.run(trajectory.start([1]), prompt)
    evaluations = trajectory.evaluations
    eps, x0 = trajectory.predict(end, prompt)
    assert torch.equal(x0, end.latent)
    assert not eps.any()
    assert trajectory.evaluations == evaluations
    assert trajectory.alpha_bar(end.index) == backbone.schedule.final_alpha_bar


@pytest.mark.parametrize("go_on", [Position.branched, lambda position: position.edited(position.latent)])
def test_edit_and_branch_make_the_sampler_forget(backbone: StableDiffusion, go_on: Any) -> None:
    trajectory, prompt = trajectory_of(backbone, TwoStep()), backbone.encode_prompts(["a man"])
    middle = trajectory.run(trajectory.start([1]), prompt, 4)
    fresh = Position(middle.latent, middle.index, middle.seeds)
    remembered, forgotten = trajectory.run(middle, prompt).latent, trajectory.run(go_on(middle), prompt).latent
    assert torch.equal(forgotten, trajectory.run(fresh, prompt).latent)
    assert not torch.equal(forgotten, remembered)


def test_every_position_reached_is_reported(backbone: StableDiffusion) -> None:
    trajectory, prompt = trajectory_of(backbone, TwoStep()), backbone.encode_prompts(["a man"])
    seen: list[Position] = []
    end = trajectory.run(trajectory.start([1]), prompt, 5, on_step=seen.append)
    assert [position.index for position in seen] == [1, 2, 3, 4, 5]
    resumed = trajectory.run(seen[2], prompt, 5)
    assert torch.equal(resumed.latent, end.latent)


@pytest.mark.parametrize("until", [3, 9])
def test_target_behind_or_beyond_is_refused(backbone: StableDiffusion, until: int) -> None:
    trajectory, prompt = trajectory_of(backbone, DDIM()), backbone.encode_prompts(["a man"])
    with pytest.raises(InvalidValueError, match=f"from step 4 to step {until} of 8"):
        trajectory.run(Position(torch.zeros(1, 4, 16, 16), 4, (1,)), prompt, until)


def test_prompts_that_do_not_fit_the_rows_are_refused(backbone: StableDiffusion) -> None:
    trajectory = trajectory_of(backbone, DDIM())
    with pytest.raises(InvalidValueError, match="2 prompts do not fit 3 latents"):
        trajectory.run(trajectory.start([1, 2, 3]), backbone.encode_prompts(["a man", "a woman"]))


def test_run_without_seeds_is_refused(backbone: StableDiffusion) -> None:
    with pytest.raises(InvalidValueError, match="at least one seed"):
        trajectory_of(backbone, DDIM()).start([])


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_latent_that_is_not_finite_is_refused_by_step(backbone: StableDiffusion, poison: float) -> None:
    trajectory, prompt = trajectory_of(backbone, DDIM()), backbone.encode_prompts(["a man"])
    latent = torch.zeros(2, 4, 16, 16)
    latent[1, 0, 0, 0] = poison
    with pytest.raises(NumericError, match=r"before step 6 of 8 \(timestep 251\)"):
        trajectory.run(Position(latent, 5, (1, 2)), prompt)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
@pytest.mark.parametrize("go_on", [Position.edited, lambda p, latent: p.edited(latent).branched()])
def test_edited_latent_that_is_not_finite_is_refused(backbone: StableDiffusion, poison: float, go_on: Any) -> None:
    trajectory, prompt = trajectory_of(backbone, DDIM()), backbone.encode_prompts(["a man"])
    middle = trajectory.run(trajectory.start([1]), prompt, 4)
    latent = middle.latent.clone()
    latent[0, 3, 15, 15] = poison
    with pytest.raises(NumericError, match="before step 5 of 8"):
        trajectory.predict(go_on(middle, latent), prompt)


POISONS = [float("nan"), float("inf"), float("-inf")]


def run_poisoned(
    backbone: StableDiffusion, sampler: Any, poison: float, say: Callable[[Tensor, Tensor, float], Prediction]
) -> None:
    """On a backbone of a plugin's that looks at nothing: ``say`` is given x, what is no numbers, and ᾱ."""

    def predict(latent: Tensor, timestep: int, conditioning: Any) -> Prediction:
        bad = latent.clone()
        bad[0, 0, 0, 0] = poison
        return say(latent, bad, backbone.schedule.alpha_bar(timestep))

    model = SimpleNamespace(latent_shape=backbone.latent_shape, schedule=backbone.schedule, predict=predict)
    trajectory = trajectory_of(model, sampler, 1.0)  # type: ignore[arg-type]
    trajectory.run(trajectory.start([1]), {"text": torch.zeros(1, 1)})


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("split", [from_epsilon, from_velocity, from_flow, lambda x, bad, _: Prediction(x, bad)])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_backbone_that_predicts_no_numbers_is_refused(
    backbone: StableDiffusion, poison: float, split: Any, sampler: Any
) -> None:
    """Whatever its network says: it shows in x̂0."""
    with pytest.raises(NumericError, match="What the backbone predicted holds NaN"):
        run_poisoned(backbone, sampler, poison, split)


@pytest.mark.parametrize("poison", POISONS)
def test_a_noise_that_is_no_number_beside_a_good_x0_is_refused_where_it_is_used(
    backbone: StableDiffusion, poison: float
) -> None:
    with pytest.raises(NumericError, match="after step 1 of 8"):
        run_poisoned(backbone, DDIM(), poison, lambda x, bad, _: Prediction(bad, x))


def test_a_run_looks_at_each_thing_once(backbone: StableDiffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the latent that it is given; then at what the network makes, at x̂0 and at the step, which is the next's."""
    trajectory, prompt = trajectory_of(backbone, DDIM(), 1.0), backbone.encode_prompts(["a man"])
    looks, isfinite = Counter[str](), Tensor.isfinite
    monkeypatch.setattr(Tensor, "isfinite", lambda tensor: looks.update(["look"]) or isfinite(tensor))
    middle = trajectory.run(trajectory.start([1]), prompt, 4)
    assert looks["look"] == 1 + 3 * 4
    trajectory.run(middle.branched(), prompt)
    assert looks["look"] == 1 + 3 * 8


def test_sampler_that_changes_the_shape_is_refused_by_name(backbone: StableDiffusion) -> None:
    class Shrinking(DDIM):
        name = "shrinking"

        def step(self, *arguments: Any) -> tuple[Tensor, None]:
            return super().step(*arguments)[0][..., :8], None

    trajectory = trajectory_of(backbone, Shrinking())
    with pytest.raises(PluginError, match="shrinking"):
        trajectory.run(trajectory.start([1]), backbone.encode_prompts(["a man"]))


def test_gradients_reach_the_latent_through_a_prediction(backbone: StableDiffusion) -> None:
    """Methods that follow the network's Jacobian need them; the weights record none."""
    trajectory = trajectory_of(backbone, DDIM())
    start = trajectory.start([1])
    position = start.edited(start.latent.requires_grad_())
    trajectory.predict(position, backbone.encode_prompts(["a man"])).x0.sum().backward()
    assert position.latent.grad is not None
    assert not trajectory.run(start, backbone.encode_prompts(["a man"])).latent.requires_grad


class TestJacobian:
    """Products with the Jacobian of x̂0, held against differences of predictions and against each other."""

    @pytest.fixture
    def here(self, backbone: StableDiffusion) -> tuple[Trajectory, Position, Any]:
        run = trajectory_of(backbone, DDIM())
        conditioning = run.conditioning("a photo of a man")
        return run, run.run(run.start([3, 11, 12]), conditioning, 4), conditioning

    def test_a_push_forward_is_what_a_small_change_of_the_latent_makes(self, here: Any) -> None:
        run, position, conditioning = here
        tangent = torch.randn(position.latent.shape)
        pushed = run.push_forward(position, conditioning, tangent)
        step = 1e-2
        ahead, behind = (
            run.predict(position.edited(position.latent + sign * step * tangent), conditioning).x0 for sign in (1, -1)
        )
        torch.testing.assert_close(pushed, (ahead - behind) / (2 * step), atol=5e-3, rtol=5e-3)

    def test_a_pull_back_is_the_transpose_of_a_push_forward(self, here: Any) -> None:
        run, position, conditioning = here
        tangent, cotangent = torch.randn(2, *position.latent.shape)
        pushed = run.push_forward(position, conditioning, tangent)
        pulled = run.pull_back(position, conditioning, cotangent)
        each = (pushed * cotangent).flatten(1).sum(1), (pulled * tangent).flatten(1).sum(1)  # no row knows the others
        torch.testing.assert_close(*each, atol=1e-3, rtol=1e-4)

    def test_one_latent_may_stand_for_many_rows(self, here: Any) -> None:
        run, position, conditioning = here
        one = Position(position.latent[:1].expand(3, -1, -1, -1), 4, (3, 3, 3))
        same = torch.randn(1, 4, 16, 16).expand(3, -1, -1, -1)
        for product in (run.push_forward, run.pull_back):
            torch.testing.assert_close(product(one, conditioning, same)[2], product(one, conditioning, same)[0])

    def test_a_pull_back_counts_as_three_evaluations_and_a_push_forward_as_two(self, here: Any) -> None:
        run, position, conditioning = here
        cost = 2 * len(position.latent)  # guidance asks twice
        for times, product in ((3, run.pull_back), (2, run.push_forward)):
            before = run.evaluations
            product(position, conditioning, torch.ones_like(position.latent))
            assert run.evaluations - before == times * cost

    def test_at_the_clean_end_the_jacobian_is_the_identity_and_costs_nothing(self, backbone: StableDiffusion) -> None:
        run = trajectory_of(backbone, DDIM())
        end, conditioning, given = Position(torch.randn(1, 4, 16, 16), run.end, (0,)), {}, torch.randn(1, 4, 16, 16)
        assert torch.equal(run.pull_back(end, conditioning, given), given)
        assert torch.equal(run.push_forward(end, conditioning, given), given)
        assert run.evaluations == 0

    def test_what_is_differentiated_is_not_remembered(self, here: Any, backbone: StableDiffusion) -> None:
        run, position, conditioning = here
        memory, given = Memory(), torch.ones_like(position.latent)
        remembering = RememberingTrajectory(backbone, DDIM(), grid=run.grid, guidance_scale=3.0, memory=memory)
        for product in ("push_forward", "pull_back"):
            expected = getattr(run, product)(position, conditioning, given)
            assert torch.equal(getattr(remembering, product)(position, conditioning, given), expected)
        assert memory.bytes_held == 0

    def test_a_pull_back_leaves_no_graph_and_works_where_gradients_are_off(self, here: Any) -> None:
        run, position, conditioning = here
        with torch.no_grad():
            pulled = run.pull_back(position, conditioning, torch.ones_like(position.latent))
        assert not pulled.requires_grad
        assert not position.latent.requires_grad


def test_some_rows_of_a_position_go_on_as_they_do_among_all(backbone: StableDiffusion) -> None:
    run = trajectory_of(backbone, TwoStep())
    start = run.run(run.start((3, 4, 5)), run.conditioning("a man"), 2)
    part = start.rows([2, 0])
    assert (part.seeds, part.index, part.state) == ((5, 3), 2, None)
    assert start.state is not None
    assert torch.equal(part.latent, start.latent[[2, 0]])
    assert torch.equal(part.clean, start.clean[[2, 0]])
