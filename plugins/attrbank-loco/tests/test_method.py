"""The method on a linear model, where every answer is known, and under the contract of all methods."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from attrbank_loco import learning
from attrbank_loco.learning import SHARE
from attrbank_loco.linear import Linearised
from attrbank_loco.method import Loco
from linear_model import BOTTOM, INPUTS, SHAPE, TOP, VALUES, Linear, chosen
from PIL import Image
from torch import Tensor

from attrbank.plugin import (
    DDIM,
    Act,
    InvalidValueError,
    LearnedAttribute,
    LearnSpec,
    MethodContract,
    Prediction,
    Trajectory,
    complete,
    learn_attribute,
    learn_attributes,
    learn_spec,
    load_plugins,
    run_edits,
)

SOURCE, TARGET = "a person", "a smiling person"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    image = Image.new("L", (4, 4))
    image.paste(255, (0, 0, 4, 2))
    image.save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def learned(mask: Path | None, target: str | None = None, guidance: float = 1.0, **given: object) -> LearnedAttribute:
    settings = {"steps": 8, "guidance_scale": guidance, "seeds": (0, 1), **given}
    targets = [] if target is None else [target]
    spec = learn_spec("mouth", [SOURCE], targets, method="loco", mask=mask, **settings)
    return learn_attribute(spec, Loco(), Linear(), DDIM())


def same_line(found: Tensor, expected: Tensor) -> float:
    """The distance of unit vectors, up to the sign."""
    flat = found.flatten().double()
    return float((flat - expected * torch.sign(flat @ expected)).norm())


def unit(vector: Tensor) -> Tensor:
    return vector / vector.norm()


def test_outside_the_region_nothing_is_pushed_and_nothing_pulls() -> None:
    model, region = Linear(), torch.zeros(1, 1, 4, 4)
    region[..., :2, :] = 1
    trajectory = Trajectory(model, DDIM(), grid=DDIM().grid(8, model.schedule), guidance_scale=1.0)
    inside = Linearised(trajectory, trajectory.start([0]), trajectory.conditioning(SOURCE), region)
    given = torch.randn(3, *SHAPE)
    expected = given.flatten(1) @ model.jacobian.T
    expected[:, BOTTOM] = 0
    torch.testing.assert_close(inside.push(given).flatten(1), expected, atol=1e-4, rtol=1e-4)
    pulled = given.flatten(1)[:, TOP] @ model.jacobian[TOP]
    torch.testing.assert_close(inside.pull(given).flatten(1), pulled, atol=1e-4, rtol=1e-4)


def test_several_components_share_one_iteration(mask: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain = learning.strongest
    monkeypatch.setattr(learning, "strongest", lambda *given, **how: asked.append(1) or plain(*given, **how))
    spec = learn_spec("mouth", (), (), method="loco", mask=mask, steps=8, guidance_scale=1.0, seeds=(0,), components=4)
    found = learn_attributes(complete(spec, Linear()), Loco(), Linear(), DDIM())
    assert len(asked) == 2  # of the region, and of the rest
    assert [attribute.record.name for attribute in found] == ["mouth-1", "mouth-2", "mouth-3", "mouth-4"]
    for number, attribute in list(enumerate(found))[1:]:  # half of the first one moves the rest as well
        assert same_line(attribute.tensors["direction"], INPUTS[:, number]) < 1e-4


@pytest.mark.parametrize("component", [2, 3, 4])
def test_a_component_is_the_singular_vector_of_the_regions_jacobian(component: int, mask: Path) -> None:
    attribute = learned(mask, component=component)
    assert same_line(attribute.tensors["direction"], INPUTS[:, component - 1]) < 1e-4
    measured = attribute.record.measured
    assert measured["singular_value"] == pytest.approx(float(VALUES[component - 1]), rel=1e-4)
    assert measured["component"] == component
    assert measured["transfer"] == pytest.approx(1, rel=1e-4)  # a linear model is alike everywhere
    assert measured["leak"] < 1e-4


def test_a_direction_that_moves_the_rest_as_well_is_freed_of_that(mask: Path) -> None:
    direction = learned(mask).tensors["direction"].flatten()
    # v₀ without its part along (v₀ + v₇) / √2
    assert same_line(direction, unit(INPUTS[:, 0] - INPUTS[:, 7])) < 1e-4
    moved = Linear().jacobian @ direction
    assert float(moved[TOP].norm()) > 1
    assert float(moved[BOTTOM].norm()) < 1e-4 * float(moved[TOP].norm())


def test_without_the_projection_it_would_move_the_rest(mask: Path) -> None:
    moved = Linear().jacobian @ INPUTS[:, 0].float()
    assert float(moved[BOTTOM].norm()) > 0.1 * float(moved[TOP].norm())


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_towards_a_target_it_is_the_transposed_jacobian_of_the_difference(guidance: float, mask: Path) -> None:
    attribute, model = learned(mask, TARGET, guidance), Linear()
    difference = guidance * (model.said(TARGET) - model.said(SOURCE))
    difference[BOTTOM] = 0
    pulled = (model.jacobian.T @ difference).double()
    shared = unit(INPUTS[:, 0] + INPUTS[:, 7])
    expected = unit(pulled - shared * (shared @ pulled))
    found = attribute.tensors["direction"].flatten().double()
    assert float((found - expected).norm()) < 1e-4  # this one has a sign
    moved = (model.jacobian.double() @ expected)[TOP]
    wanted = difference[TOP].double()
    size = float(moved @ wanted / (moved @ moved))
    assert attribute.record.units["mean"] == pytest.approx(size, rel=1e-3)
    torch.testing.assert_close(attribute.tensors["difference"].flatten(), difference, atol=1e-6, rtol=1e-4)


def test_strength_one_goes_no_further_than_first_order_is_good_for(mask: Path) -> None:
    units = learned(mask, TARGET, guidance=90.0).record.units
    assert units["mean"] == pytest.approx(SHARE * 32**0.5)
    assert 0 < units["own"] <= units["mean"]


class DeafUnderTheTarget(Linear):
    """Under the target prompt it says the same of every latent, so that its Jacobian is zero there."""

    def predict(self, latent: Tensor, timestep: int, conditioning: dict[str, Tensor]) -> Prediction:
        hears = (conditioning["b"] != self.said(TARGET)).any(dim=1)[:, None, None, None]
        return super().predict(torch.where(hears, latent, torch.zeros(())), timestep, conditioning)


def test_the_jacobian_is_that_under_the_prompt_under_which_the_picture_goes_on(mask: Path) -> None:
    spec = learn_spec("mouth", [SOURCE], [TARGET], method="loco", mask=mask, steps=8, guidance_scale=1.0, seeds=(0,))
    attribute = learn_attribute(spec, Loco(), DeafUnderTheTarget(), DDIM())
    pulled = Linear().jacobian.T @ attribute.tensors["difference"].flatten()
    assert float(attribute.tensors["direction"].flatten() @ unit(pulled)) > 0.5
    assert attribute.record.units["mean"] > 0


def edited(attribute: LearnedAttribute, strength: float, core: str | None = None) -> tuple[Tensor, Tensor]:
    """Latents where the edit acts, without it and with it."""
    model, method = Linear(), Loco()
    trajectory = Trajectory(model, DDIM(), grid=DDIM().grid(8, model.schedule), guidance_scale=1.0)
    at_once: list[Tensor] = []

    def watched(x: Tensor, inputs: object, strength: float) -> Tensor:
        at_once.extend([x, method.edit(attribute.record, attribute.tensors, core)(x, inputs, strength)])
        return at_once[1]

    run_edits(trajectory, SOURCE, [100, 101], [Act(3, watched, strength)])
    return at_once[0], at_once[1]


@pytest.mark.parametrize("core", ["mean", "own"])
def test_strength_zero_is_the_latent_bit_for_bit_and_others_are_multiples(core: str, mask: Path) -> None:
    attribute = learned(mask, TARGET)
    before, after = edited(attribute, 0.0, core)
    assert torch.equal(before, after)
    once = edited(attribute, 1.0, core)[1] - before
    for strength in (-1.0, 0.5, 2.0):
        torch.testing.assert_close(edited(attribute, strength, core)[1] - before, strength * once, atol=1e-5, rtol=1e-4)


def test_what_strength_one_changes_is_confined_to_the_region(mask: Path) -> None:
    before, after = edited(learned(mask), 1.0)
    changed = (after - before).flatten(1) @ Linear().jacobian.T
    assert float(changed[:, TOP].norm()) > 1
    assert float(changed[:, BOTTOM].norm()) < 1e-4 * float(changed[:, TOP].norm())


def test_a_pictures_own_direction_is_the_transposed_jacobian_of_the_banked_difference(mask: Path) -> None:
    attribute, model = learned(mask, TARGET), Linear()
    before, after = edited(attribute, 1.0, "own")
    pulled = model.jacobian.T @ attribute.tensors["difference"].flatten()
    for change in (after - before).flatten(1):
        torch.testing.assert_close(change, attribute.record.units["own"] * unit(pulled), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("target", [SOURCE, TARGET])
def test_attributes_are_compared_by_the_direction_that_acts(target: str, mask: Path) -> None:
    attribute = learned(mask, target)
    before, after = edited(attribute, 1.0, "mean")
    found = Loco().direction(attribute.record, {name: t.numpy() for name, t in attribute.tensors.items()})
    torch.testing.assert_close(torch.from_numpy(found).float().expand_as(before), after - before, atol=1e-5, rtol=1e-4)


def test_it_looks_without_a_mask_at_all_of_the_latent() -> None:
    attribute = learned(None, TARGET)
    model = Linear()
    pulled = model.jacobian.T @ (model.said(TARGET) - model.said(SOURCE))
    torch.testing.assert_close(attribute.tensors["direction"].flatten(), unit(pulled), atol=1e-4, rtol=1e-4)


def test_what_there_is_not_is_refused(mask: Path) -> None:
    with pytest.raises(InvalidValueError, match="has 4 directions, and no component 6"):
        learned(mask, component=6)
    with pytest.raises(InvalidValueError, match="no core 'own'"):
        learned(mask, core="own")
    with pytest.raises(InvalidValueError, match="no difference between the prompts"):
        learned(mask, "a nosrep")  # the same letters
    with pytest.raises(InvalidValueError, match="one direction, and no other component"):
        learned(mask, TARGET, component=2)
    attribute = learned(mask)
    with pytest.raises(InvalidValueError, match="no core 'own'"):
        Loco().edit(attribute.record, attribute.tensors, "own")


def test_a_region_that_cannot_be_changed_alone_is_refused(mask: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirrored = chosen()
    mirrored[BOTTOM] = mirrored[TOP]  # the lower half does what the upper half does
    monkeypatch.setattr("linear_model.chosen", lambda: mirrored)
    with pytest.raises(InvalidValueError, match="changes the rest of the picture as well"):
        learned(mask)


def test_where_no_network_can_be_asked_the_banked_direction_acts(mask: Path) -> None:
    record = learned(mask, TARGET).record
    core = Loco().core_without_network(record)
    assert (record.core, core) == ("own", "mean")
    assert Loco().needs(record, core, 1.0).nothing


def test_it_is_registered_under_its_name() -> None:
    assert type(load_plugins().method("loco")) is Loco


class TestLoco(MethodContract):
    def make(self) -> Loco:
        return Loco()


class TestLocoOfTheMean(TestLoco):
    def make_backbone(self) -> Linear:
        return Linear()

    def spec(self) -> LearnSpec:
        return super().spec().model_copy(update={"core": "mean"})


class TestLocoWithoutATarget(TestLocoOfTheMean):
    def spec(self) -> LearnSpec:
        (pair,) = super().spec().pairs
        return (
            super()
            .spec()
            .model_copy(update={"core": None, "pairs": (pair.model_copy(update={"target": pair.source}),)})
        )
