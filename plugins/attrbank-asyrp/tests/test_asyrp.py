"""Asymmetric steps as their equation says, on a random UNet, and the method under the contract of all methods."""

from __future__ import annotations

import pytest
import torch
from attrbank_asyrp import distilling
from attrbank_asyrp.bottleneck import Asymmetric, AsymmetricEdit, Steps
from attrbank_asyrp.method import Asyrp
from attrbank_asyrp.network import ChangeNet, OwnSteps
from torch import Tensor, nn

from attrbank.plugin import (
    DDIM,
    Act,
    Backbone,
    IncompatibleError,
    InvalidValueError,
    Layer,
    LearnSpec,
    MethodContract,
    Trajectory,
    attention_of,
    bottleneck_of,
    guided_call,
    learn_attribute,
    learn_spec,
    load_plugins,
    network_of,
    run_edits,
)

SOURCE, TARGET, T = "a photo of a person", "a photo of an old person", 500


class Contract(MethodContract):
    __test__ = False

    def make(self) -> Asyrp:
        return Asyrp()


@pytest.fixture(scope="module")
def model() -> Backbone:
    return Contract().make_backbone()


def trajectory_of(model: Backbone, scale: float = 1.0) -> Trajectory:
    return Trajectory(model, DDIM(), grid=DDIM().grid(8, model.schedule), guidance_scale=scale)


def steps_of(model: Backbone, size: float = 1.0, until: float = 0.0) -> Steps:
    return Steps(size * torch.randn(2, *features_of(model).shape[1:]), (900.0, 100.0), until)


def features_of(model: Backbone) -> Tensor:
    conditioning = model.encode_prompts([SOURCE])
    return bottleneck_of(model, "a test").features(torch.randn(1, *model.latent_shape), T, conditioning)


def network_for(model: Backbone) -> ChangeNet:
    return ChangeNet.untrained(features_of(model), torch.Generator().manual_seed(0))


def after(model: Backbone, steps: AsymmetricEdit, strength: float = 1.0, scale: float = 3.0) -> tuple[Tensor, Tensor]:
    before, edited = run_edits(trajectory_of(model, scale), SOURCE, [7], [Act(2, steps, strength)])
    assert before is not None
    return before, edited


def test_without_a_change_it_is_ddim_bit_for_bit(model: Backbone) -> None:
    before, edited = after(model, steps_of(model, size=0.0))
    assert torch.equal(before, edited)


def test_only_the_part_of_the_step_that_points_at_the_clean_latent_moves(model: Backbone) -> None:
    """x' = √ᾱ' x̂0(ε̃) + √(1−ᾱ') ε, where the symmetric step has ε̃ in both places."""
    plan, x = trajectory_of(model), torch.randn(1, *model.latent_shape)
    steps, conditioning = steps_of(model), model.encode_prompts([SOURCE])
    t, t_prev = plan.grid[3]
    changed = bottleneck_of(model, "a test").injecting(lambda h, timestep: h + steps.change_at(timestep))
    plain, moved = (one.predict(x, t, conditioning) for one in (model, changed))
    both = steps.through(model, 1.0).predict(x, t, conditioning)
    assert torch.equal(both.eps, plain.eps)
    assert torch.equal(both.x0, moved.x0)
    asymmetric, symmetric = (
        DDIM().step(x, prediction, t, t_prev, model.schedule, None, None)[0] for prediction in (both, moved)
    )
    alpha_bar = model.schedule.alpha_bar(t_prev)
    expected = (1 - alpha_bar) ** 0.5 * (plain.eps - moved.eps)
    assert float(expected.abs().max()) > 1e-3
    torch.testing.assert_close(asymmetric - symmetric, expected, atol=1e-5, rtol=1e-4)


def test_it_acts_on_its_interval_alone(model: Backbone) -> None:
    plan, seen = trajectory_of(model), list[int]()
    steps = steps_of(model, until=0.4)
    watched = Steps(steps.changes, steps.timesteps, steps.until)
    watched.change_at = lambda t: (seen.append(t), steps.change_at(t))[1]
    run_edits(plan, SOURCE, [7], [Act(2, watched, 1.0)])
    assert seen == [t for t, _ in plan.grid[2:] if t > 0.4 * 1000]


def test_several_changes_add_up_in_x0_and_leave_the_noise(model: Backbone) -> None:
    one, other = steps_of(model), steps_of(model)
    x, conditioning = torch.randn(1, *model.latent_shape), model.encode_prompts([SOURCE])
    together = Steps(one.changes + 2 * other.changes, one.timesteps, 0.0).through(model, 1.0)
    in_turn = other.through(one.through(model, 1.0), 2.0)
    assert isinstance(in_turn, Asymmetric)
    for found, expected in zip(in_turn.predict(x, T, conditioning), together.predict(x, T, conditioning), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_what_others_change_of_it_they_change_of_both(model: Backbone) -> None:
    x, conditioning, steps = torch.randn(1, *model.latent_shape), model.encode_prompts([SOURCE]), steps_of(model)

    def even(p: Tensor, layer: Layer, timestep: int) -> Tensor:
        return torch.full_like(p, 1 / p.shape[-1])

    for found, expected in (
        (
            attention_of(steps.through(model, 1.0), "a test").attending(even),
            attention_of(model, "a test").attending(even),
        ),
        (
            network_of(steps.through(model, 1.0), "a test").adapting(_doubled),
            network_of(model, "a test").adapting(_doubled),
        ),
    ):
        both, in_turn = (one.predict(x, T, conditioning) for one in (found, steps.through(expected, 1.0)))
        assert torch.equal(both.eps, in_turn.eps)
        assert torch.equal(both.x0, in_turn.x0)
        assert not torch.equal(both.eps, model.predict(x, T, conditioning).eps)
        assert not torch.equal(both.x0, expected.predict(x, T, conditioning).x0)


def _doubled(network: nn.Module) -> nn.Module:
    network.conv_out.weight = nn.Parameter(2 * network.conv_out.weight.detach(), requires_grad=False)
    return network


def test_what_is_learned_is_the_mean_change_at_the_same_latents(model: Backbone) -> None:
    settings = {"steps": 8, "guidance_scale": 3.0, "seeds": (0, 1, 2)}
    learned = learn_attribute(learn_spec("old", [SOURCE], [TARGET], method="asyrp", **settings), Asyrp(), model, DDIM())
    plan = trajectory_of(model, 3.0)
    assert learned.tensors["timesteps"].tolist() == [float(t) for t, _ in plan.grid[:3]]  # before the middle
    source, target = (plan.conditioning(prompt) for prompt in (SOURCE, TARGET))
    changes = []
    for seed in (0, 1, 2):
        x = plan.run(plan.start([seed]), source, 2).latent
        h = [bottleneck_of(model, "a test").features(x, plan.grid[2][0], prompt) for prompt in (source, target)]
        changes.append(h[1] - h[0])
    torch.testing.assert_close(learned.tensors["changes"][2], 3 * torch.cat(changes).mean(0), atol=1e-4, rtol=1e-4)


def test_the_nearest_time_is_taken(model: Backbone) -> None:
    steps = steps_of(model)
    assert torch.equal(steps.change_at(950), steps.changes[0])
    assert torch.equal(steps.change_at(499), steps.changes[1])


def test_what_cannot_be_is_refused_before_it_begins(model: Backbone) -> None:
    at_once = learn_spec("old", [SOURCE], [TARGET], method="asyrp", t_x=0.5, delta_tau=0.0, steps=8)
    with pytest.raises(InvalidValueError, match="over an interval"):
        learn_attribute(at_once, Asyrp(), model, DDIM())

    class Transformer:
        name = "a transformer"

    spec = learn_spec("old", [SOURCE], [TARGET], method="asyrp")
    with pytest.raises(IncompatibleError, match=r"'asyrp' acts at the bottleneck.*it has no features"):
        Asyrp().check(spec, Transformer())


def test_it_is_registered_under_its_name() -> None:
    assert type(load_plugins().method("asyrp")) is Asyrp


class TestAsyrp(Contract):
    __test__ = True


def test_a_network_that_has_learned_nothing_is_ddim_bit_for_bit(model: Backbone) -> None:
    before, edited = after(model, OwnSteps(network_for(model), 0.0))
    assert torch.equal(before, edited)


def test_the_network_is_heard_where_the_prompt_is_and_by_as_much_as_the_strength_says(model: Backbone) -> None:
    """Of a guided call the rows that guidance compares with come first, and stay."""
    net = network_for(model)
    torch.nn.init.normal_(net.last.weight, generator=torch.Generator().manual_seed(0))
    h = torch.randn(4, *features_of(model).shape[1:])
    edit = OwnSteps(net, 0.0)
    with guided_call(2):
        guided = edit.changed(h, T, 2.0) - h
    torch.testing.assert_close(guided[:2], torch.zeros_like(guided[:2]))
    torch.testing.assert_close(guided[2:], 2 * net(h[2:], T))
    torch.testing.assert_close(edit.changed(h, T, 1.0) - h, net(h, T), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(net(h, T), net(h, 900)), "it is told the time"


def test_what_the_network_learns_brings_the_model_nearer_to_the_target_prompt(
    model: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distilling, "STEPS", 60)
    settings = {"steps": 8, "guidance_scale": 3.0, "seeds": tuple(range(8)), "core": "distil"}
    learned = learn_attribute(learn_spec("old", [SOURCE], [TARGET], method="asyrp", **settings), Asyrp(), model, DDIM())
    assert learned.record.core == "distil"
    assert 0.05 < learned.record.measured["explained_share"] <= 1


def test_the_core_is_one_of_two_and_another_is_refused(model: Backbone) -> None:
    with pytest.raises(InvalidValueError, match="no core 'conv'"):
        learn_spec("old", [SOURCE], [TARGET], method="asyrp", core="conv")
    settings = {"steps": 8, "guidance_scale": 3.0, "seeds": (0,)}
    learned = learn_attribute(learn_spec("old", [SOURCE], [TARGET], method="asyrp", **settings), Asyrp(), model, DDIM())
    assert learned.record.core == "mean"
    with pytest.raises(InvalidValueError, match="old has no core 'distil'"):
        Asyrp().edit(learned.record, learned.tensors, "distil")
    before_cores = learned.record.model_copy(update={"core": None})
    assert isinstance(Asyrp().edit(before_cores, learned.tensors), Steps)


class TestLearnedAsyrp(Contract):
    __test__ = True

    @pytest.fixture(autouse=True)
    def _trained_briefly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(distilling, "STEPS", 10)

    def spec(self) -> LearnSpec:
        return super().spec().model_copy(update={"core": "distil"})
