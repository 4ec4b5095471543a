"""Known answers on one layer, and on a random UNet what a slider may change, and what it must leave as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from attrbank_asyrp.bottleneck import Asymmetric, Steps
from attrbank_lora_sliders.method import LoraSliders
from attrbank_lora_sliders.parameters import Parameters
from attrbank_lora_sliders.slider import Slider, Worn, names_of
from linear_model import SOURCE, TARGET, Linear
from torch import Tensor

import attrbank
from attrbank.plugin import (
    DDIM,
    Act,
    Backbone,
    Bank,
    CorruptArtifactError,
    IncompatibleError,
    InvalidValueError,
    LearnSpec,
    MethodContract,
    PromptPair,
    Trajectory,
    learn_attribute,
    load_plugins,
    run_edits,
)

T = 500


class Contract(MethodContract):
    __test__ = False

    def make(self) -> LoraSliders:
        return LoraSliders(Parameters(iterations=8, rank=2))


@pytest.fixture(scope="module")
def model() -> Backbone:
    return Contract().make_backbone()


@pytest.fixture
def state(model: Backbone) -> Iterator[None]:
    """The model's network is bit for bit the same afterwards, and nothing is hooked into it."""

    def taken() -> tuple[list[str], dict[str, Tensor], int]:
        modules = [f"{name} {type(module).__name__}" for name, module in model.unet.named_modules()]
        hooks = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.unet.modules())
        return modules, {name: tensor.clone() for name, tensor in model.unet.state_dict().items()}, hooks

    before = taken()
    yield
    after = taken()
    assert (after[0], after[2]) == (before[0], before[2])
    assert all(torch.equal(after[1][name], tensor) for name, tensor in before[1].items())
    assert not any(weight.requires_grad for weight in model.unet.parameters())


def slider_of(model: Backbone, seed: int = 0, layers: str = "all", until: float = 0.0, size: float = 0.05) -> Slider:
    found: list[int] = []
    model.adapting(lambda network: (found.append(len(_beginning(network, layers))), network)[1])
    factors = size * torch.randn(found[0], generator=torch.Generator().manual_seed(seed))
    return Slider(factors, layers, 2, until)


def _beginning(network: torch.nn.Module, layers: str) -> Tensor:
    return Worn(network, layers, 2).beginning(torch.Generator().manual_seed(0))


def trajectory_of(model: Backbone, scale: float = 3.0) -> Trajectory:
    return Trajectory(model, DDIM(), grid=DDIM().grid(8, model.schedule), guidance_scale=scale)


def said(model: Backbone, x: Tensor) -> Tensor:
    return model.predict(x, T, model.encode_prompts([SOURCE] * len(x))).eps


def linear_spec(**changes: object) -> LearnSpec:
    settings = {"seeds": tuple(range(32)), "t_x": 0.8, "delta_tau": -0.8, "steps": 12, "guidance_scale": 2.0}
    pairs = (PromptPair(source=SOURCE, target=TARGET),)
    return LearnSpec(name="grin", method="lora-sliders", pairs=pairs, **{**settings, **changes})


def learned_matrix(parameters: Parameters, difference: Tensor, **changes: object) -> Tensor:
    """What the slider adds to the layer, (8, 8)."""
    spec = linear_spec(**changes)
    learned = learn_attribute(spec, LoraSliders(parameters), Linear(difference), DDIM())
    first, second = learned.tensors["factors"].float().split(8 * parameters.rank)
    return second.reshape(8, parameters.rank) @ first.reshape(parameters.rank, 8)


def test_of_full_rank_it_reaches_the_target_difference_of_a_linear_network() -> None:
    """ε + s η (ε′ − ε) is A x + s η B x for every x, so that the layer's change must be η B, η the guidance scale."""
    difference = 0.1 * torch.randn(8, 8, generator=torch.Generator().manual_seed(5))
    found = learned_matrix(Parameters(rank=8, layers="attention", iterations=1200, rate=0.01), difference)
    torch.testing.assert_close(found, 2 * difference, atol=5e-3, rtol=0)


def test_a_difference_of_rank_one_takes_no_more_and_half_the_scale_is_half_of_it() -> None:
    difference = torch.outer(torch.ones(8), torch.linspace(-0.1, 0.1, 8))
    found = learned_matrix(Parameters(rank=1, layers="attention", iterations=400, rate=0.02, scale=0.5), difference)
    torch.testing.assert_close(found, difference, atol=5e-3, rtol=0)


def test_a_negative_strength_gives_the_negated_change_to_first_order(model: Backbone) -> None:
    x, slider = torch.randn(2, *model.latent_shape), slider_of(model)
    plain = said(model, x)
    for size, most in ((0.5, 0.5), (0.05, 0.05)):
        up, down = (said(slider.through(model, s * size), x) - plain for s in (1, -1))
        assert 0 < float((up + down).norm() / up.norm()) < most


def test_it_acts_on_its_interval_alone_and_leaves_the_model_as_it_was(model: Backbone, state: None) -> None:
    plan, slider = trajectory_of(model), slider_of(model, until=0.4)
    before, edited = run_edits(plan, SOURCE, [7], [Act(2, slider, 1.0)])
    only = Slider(slider.factors, slider.layers, slider.rank, until=0.0)
    x = plan.run(plan.start([7]), plan.conditioning(SOURCE), 2).branched()
    with_it = plan.through(only.through(model, 1.0))
    last = next(index for index, (t, _) in enumerate(plan.grid) if t <= 0.4 * 1000)
    x = with_it.run(x, plan.conditioning(SOURCE), last).branched()
    assert torch.equal(edited, plan.run(x, plan.conditioning(SOURCE)).latent)
    assert before is not None
    assert not torch.equal(edited, before)


def test_at_strength_zero_it_is_the_unedited_run_bit_for_bit(model: Backbone, state: None) -> None:
    before, edited = run_edits(trajectory_of(model), SOURCE, [7], [Act(2, slider_of(model), 0.0)])
    assert before is not None
    assert torch.equal(before, edited)
    assert slider_of(model).through(model, 0.0) is model


def test_several_add_up(model: Backbone, state: None) -> None:
    """Two of rank 2 are one of rank 4, whose factors stand beside each other."""
    x, one, other = torch.randn(2, *model.latent_shape), slider_of(model, 1), slider_of(model, 2, "attention")
    both = other.through(one.through(model, 0.7), -1.3)
    swapped = one.through(other.through(model, -1.3), 0.7)
    torch.testing.assert_close(said(both, x), said(swapped, x), atol=1e-5, rtol=1e-4)
    alone = said(one.through(model, 0.7), x)
    assert not torch.allclose(said(both, x), alone, atol=1e-3)
    undone = other.through(both, 1.3)
    torch.testing.assert_close(said(undone, x), alone, atol=1e-5, rtol=1e-4)


def test_a_run_that_breaks_off_leaves_the_model_as_it_was(model: Backbone, state: None) -> None:
    def stop(position: object) -> None:
        if position.index > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_edits(trajectory_of(model), SOURCE, [7], [Act(2, slider_of(model), 1.0)], on_step=stop)


def test_training_that_breaks_off_leaves_the_model_and_the_random_numbers_as_they_were(
    model: Backbone, state: None
) -> None:
    stages, random = [], torch.random.get_rng_state()

    def stop(stage: str, done: int, total: int) -> None:
        stages.append(stage)
        if (stage, done) == ("training", 3):
            raise KeyboardInterrupt

    spec = linear_spec(seeds=(0, 1), steps=4)
    with pytest.raises(KeyboardInterrupt):
        learn_attribute(spec, Contract().make(), model, DDIM(), stop)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert stages[0] == "looking at the pair"


def test_it_acts_beside_asymmetric_steps_in_either_order(model: Backbone, state: None) -> None:
    x, slider, conditioning = torch.randn(1, *model.latent_shape), slider_of(model), model.encode_prompts([SOURCE])
    change = torch.randn(1, *model.features(x, T, conditioning).shape[1:])
    steps = Steps(change, (500.0,), 0.0)
    alone = slider.through(model, 1.0)
    first, then = slider.through(steps.through(model, 1.0), 1.0), steps.through(alone, 1.0)
    assert isinstance(first, Asymmetric)
    found, expected = (both.predict(x, T, conditioning) for both in (first, then))
    assert torch.equal(found.eps, expected.eps)
    assert torch.equal(found.x0, expected.x0)
    assert torch.equal(found.eps, said(alone, x))
    assert not torch.equal(found.x0, alone.predict(x, T, conditioning).x0)


def test_layers_are_chosen_as_published(model: Backbone) -> None:
    attention, rest, everything = (set(names_of(model.unet, layers)) for layers in ("attention", "rest", "all"))
    assert {name.rpartition(".to_")[2] for name in attention} == {"q", "k", "v", "out.0"}
    assert not any("attn2" in name or "time_embedding" in name for name in rest)
    assert everything == attention | rest
    assert {"conv_in", "conv_out"} <= rest


def test_what_does_not_fit_is_refused(model: Backbone) -> None:
    slider = slider_of(model)
    with pytest.raises(IncompatibleError, match="has places for"):
        Slider(slider.factors[:-1], "all", 2, 0.0).through(model, 1.0)
    with pytest.raises(IncompatibleError, match="no layers of the kind 'rest'"):
        Slider(slider.factors, "rest", 2, 0.0).through(NoLayers(torch.eye(8)), 1.0)
    at_once = linear_spec(t_x=0.5, delta_tau=0.0)
    with pytest.raises(InvalidValueError, match="over an interval"):
        learn_attribute(at_once, LoraSliders(), model, DDIM())
    with pytest.raises(InvalidValueError, match="the same under both prompts"):
        learn_attribute(linear_spec(), LoraSliders(), Linear(torch.zeros(8, 8)), DDIM())
    with pytest.raises(IncompatibleError, match="it has no adapting"):
        LoraSliders().check(linear_spec(), type("Model", (), {"name": "another"})())


class NoLayers(Linear):
    def __init__(self, difference: Tensor) -> None:
        super().__init__(difference)
        self.network = torch.nn.Flatten()


def test_an_artifact_without_factors_is_refused(model: Backbone) -> None:
    spec = linear_spec(seeds=(0,), steps=4)
    record = learn_attribute(spec, LoraSliders(Parameters(rank=1, iterations=1)), model, DDIM()).record
    for tensors in ({}, {"factors": torch.zeros(2, 2)}, {"factors": torch.zeros(4, dtype=torch.int64)}):
        with pytest.raises(CorruptArtifactError, match="holds no factors"):
            LoraSliders().edit(record, tensors)


def test_a_studio_draws_its_other_pictures_as_if_no_slider_had_acted(tiny_pipeline: Path, tmp_bank: Bank) -> None:
    folder = str(tiny_pipeline)
    studio = attrbank.open(folder)
    asked = {"source": SOURCE, "target": "a photo of an old person", "seeds": "0-1", "steps": 4}
    studio.learn("grin", method="lora-sliders:iterations=2,rank=1", force=True, preview=False, **asked)
    assert not np.array_equal(
        studio.apply("grin:3", seed=7, steps=4).after, studio.apply("grin:0", seed=7, steps=4).after
    )
    drawn, fresh = (one.apply("grin:0", seed=8, steps=4).after for one in (studio, attrbank.open(folder)))
    assert np.array_equal(drawn, fresh)


def test_it_is_registered_with_its_parameters() -> None:
    method = load_plugins().method("lora-sliders:rank=2")
    assert type(method) is LoraSliders
    assert "rank=2" in method.name


class TestLoraSliders(Contract):
    __test__ = True
