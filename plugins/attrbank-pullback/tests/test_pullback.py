"""The pullback on a linear model, where every answer is known, and under the contract of all methods."""

from __future__ import annotations

import pytest
import torch
from attrbank_pullback.basis import basis
from attrbank_pullback.edit import STEP, Steps
from attrbank_pullback.method import Pullback
from attrbank_pullback.parameters import Parameters
from attrbank_pullback.sphere import frechet_mean, towards, unit
from linear_model import CLEAN, FEATURES, INPUTS, OUTPUTS, SHAPE, VALUES, D, Linear, N, Turning
from torch import Tensor

from attrbank.plugin import (
    DDIM,
    Act,
    FeatureMap,
    IncompatibleError,
    InvalidValueError,
    LearnedAttribute,
    LearnSpec,
    MethodContract,
    Needs,
    Trajectory,
    complete,
    learn_attributes,
    learn_spec,
    load_plugins,
    run_edits,
)

PROMPT = "a person"


def learned(model: Linear | None = None, method: Pullback | None = None, **given: object) -> list[LearnedAttribute]:
    model, method = model or Linear(), method or Pullback()
    settings = {"steps": 8, "guidance_scale": 1.0, "seeds": (0, 1, 2), "components": 3, **given}
    if "component" in given:
        del settings["components"]
    spec = complete(learn_spec("face", (), (), method="pullback", **settings), model)
    return list(learn_attributes(spec, method, model, DDIM()))


def trajectory_of(model: Linear) -> Trajectory:
    return Trajectory(model, DDIM(), grid=DDIM().grid(8, model.schedule), guidance_scale=1.0)


def apart(found: Tensor, expected: Tensor) -> float:
    """The distance of unit vectors, up to the sign."""
    flat = found.flatten()
    return float((flat - expected * torch.sign(flat @ expected)).norm())


def test_the_basis_is_that_of_the_jacobian_of_the_bottleneck_to_a_ten_thousandth() -> None:
    model = Linear()
    run = trajectory_of(model)
    shown = FeatureMap(run, 3, run.conditioning(PROMPT))
    found = basis(shown, torch.randn(1, *SHAPE), torch.randn(8, *SHAPE), wanted=4)
    for number in range(4):
        assert apart(found.inputs[number], INPUTS[:, number]) < 1e-4
        assert apart(found.outputs[number], OUTPUTS[:, number]) < 1e-4
        assert (
            float(found.inputs[number].flatten() @ INPUTS[:, number])
            * float(found.outputs[number] @ OUTPUTS[:, number])
            > 0
        )  # both have one sign
    torch.testing.assert_close(found.values[:4], VALUES[:4], atol=1e-3, rtol=1e-4)


def test_several_components_are_learned_at_once() -> None:
    found = learned()
    assert [attribute.record.name for attribute in found] == ["face-1", "face-2", "face-3"]
    for number, attribute in enumerate(found):
        assert attribute.tensors["feature"].shape == FEATURES
        assert apart(attribute.tensors["feature"], OUTPUTS[:, number]) < 1e-4
        measured = attribute.record.measured
        assert measured["singular_value"] == pytest.approx(float(VALUES[number]), rel=1e-4)
        assert measured["agreement"] == pytest.approx(1, abs=1e-4)  # a linear bottleneck is alike everywhere
        assert measured["carried"] == pytest.approx(1, abs=1e-4)
    (second,) = learned(component=2)
    assert second.record.name == "face"
    assert apart(second.tensors["feature"], OUTPUTS[:, 1]) < 1e-4


def edited(attribute: LearnedAttribute, strength: float, model: Linear, **parameters: object) -> tuple[Tensor, Tensor]:
    """Latents where the edit acts, without it and with it."""
    method, at_once = Pullback(Parameters(**parameters)), list[Tensor]()

    def watched(x: Tensor, inputs: object, strength: float) -> Tensor:
        at_once.extend([x, method.edit(attribute.record, attribute.tensors)(x, inputs, strength)])
        return at_once[1]

    run_edits(trajectory_of(model), PROMPT, [100, 101], [Act(3, watched, strength)])
    return at_once[0], at_once[1]


@pytest.mark.parametrize("transport", [0, 4])
@pytest.mark.parametrize("strength", [1.0, -0.5])
def test_each_step_adds_the_change_of_epsilon_along_the_pulled_direction(strength: float, transport: int) -> None:
    model, (_, attribute, _) = Linear(), learned()
    before, after = edited(attribute, strength, model, transport=transport, repeats=5, guidance=0.5)
    grid = DDIM().grid(8, model.schedule)
    alpha_bar = model.schedule.alpha_bar(grid[3][0])
    feature = attribute.tensors["feature"].flatten()
    v = STEP * N**0.5 * INPUTS[:, 1] * torch.sign(feature @ OUTPUTS[:, 1])
    once = (v - alpha_bar**0.5 * CLEAN @ v) / (1 - alpha_bar) ** 0.5
    for change in (after - before).flatten(1):
        torch.testing.assert_close(change, 5 * 0.5 * strength * once, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("transport", [0, 3])
def test_strength_zero_is_the_latent_bit_for_bit(transport: int) -> None:
    before, after = edited(learned()[0], 0.0, Linear(), transport=transport)
    assert torch.equal(before, after)


def test_transport_writes_a_direction_in_the_strongest_of_the_pictures_own() -> None:
    """Σ weighs what is pulled back; what is transported has the shares that it has in the bottleneck."""
    model = Linear()
    run = trajectory_of(model)
    shown, x = FeatureMap(run, 3, run.conditioning(PROMPT)), torch.randn(1, *SHAPE)
    mixed = (3 * OUTPUTS[:, 0] + OUTPUTS[:, 2] + 5 * OUTPUTS[:, 4]).reshape(FEATURES)

    class Inputs:
        def features(self, prompt: str) -> FeatureMap:
            return shown

    def direction(transport: int) -> Tensor:
        return Steps(mixed, PROMPT, 1, 1.0, transport).direction(x, Inputs()).flatten()

    transported = unit(3 * INPUTS[:, 0] + INPUTS[:, 2])  # the fifth is not among the four
    torch.testing.assert_close(direction(4), transported, atol=1e-3, rtol=1e-3)
    pulled = unit(27 * INPUTS[:, 0] + 5 * INPUTS[:, 2] + 5 * INPUTS[:, 4])
    torch.testing.assert_close(direction(0), pulled, atol=1e-4, rtol=1e-4)


def test_the_mean_of_directions_is_that_of_their_angles() -> None:
    angles = torch.tensor([0.0, 0.0, 0.0, torch.pi / 2])
    points = torch.zeros(4, D)
    points[:, 0], points[:, 1] = angles.cos(), angles.sin()
    mean = frechet_mean(points)
    assert float(torch.atan2(mean[1], mean[0])) == pytest.approx(float(angles.mean()), abs=1e-4)
    assert float(towards(mean, points).mean(0).norm()) < 1e-5


def test_what_pictures_do_not_share_is_told() -> None:
    found = learned(Turning())[0].record.measured
    assert found["agreement"] < 0.999
    assert 0 < found["carried"] < 0.999


def test_what_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="has 10 directions, and no component 12"):
        learned(component=12)
    pairs = ["a person", "a man"], ["an old person", "an old man"]
    two = learn_spec("old", *pairs, method="pullback")
    with pytest.raises(InvalidValueError, match="asks under one prompt"):
        Pullback().check(two, Linear())

    class Transformer:
        name = "a transformer"

    with pytest.raises(IncompatibleError, match=r"'pullback' acts at the bottleneck.*it has no features"):
        Pullback().check(learn_spec("face", (), (), method="pullback", component=1), Transformer())


def test_it_is_registered_under_its_name_with_its_parameters() -> None:
    method = load_plugins().method("pullback:transport=4,repeats=2")
    assert method.name.startswith("pullback")
    assert method.needs(learned()[0].record, None, 1.0) == Needs(rows=2 * 2, features=3 + 4 * 8 * 5)
    assert method.needs(learned()[0].record, None, 0.0).nothing


class TestPullback(MethodContract):
    def make(self) -> Pullback:
        return Pullback(Parameters(repeats=2))

    def spec(self) -> LearnSpec:
        return super().spec().model_copy(update={"seeds": (0, 1)})


class TestPullbackByTransport(TestPullback):
    def make(self) -> Pullback:
        return Pullback(Parameters(repeats=2, transport=3))

    def make_backbone(self) -> Linear:
        return Linear()
