"""What tuning makes of a sweep, and that an attribute moved in time stays the same attribute."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from attrbank.attribute.calibration import raw_strength
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import InvalidValueError
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.sweep import Sweep
from attrbank.evaluation.tuning import STRENGTHS, Tuner, at_time, tuning_of
from attrbank.learning.request import learn_spec
from attrbank.methods.avi import Avi
from attrbank.samplers.ddim import DDIM

LIMIT = {"perceptual": 1.0}


def sweep(learned, effect, success, *, flips: float = 0.1) -> Sweep:
    """A sweep over one picture whose figures are functions of the raw strength."""
    raw = np.array(STRENGTHS)[:, None]
    values = {
        "effect": effect(raw),
        "success": success(raw).astype(float),
        "flips": np.full_like(raw, flips),
        "identity": np.full_like(raw, 0.3),
        "perceptual": np.full_like(raw, 0.5),
    }
    return Sweep(learned, "mean", STRENGTHS, values, LIMIT, unedited=effect(np.zeros(1)))


def test_equal_strengths_have_equal_shares_of_the_effect(learned) -> None:
    def effect(raw):
        return 10 * np.sqrt(raw) - 4  # grows fast, then slowly

    calibration = sweep(learned, effect, lambda raw: raw >= 0.7).calibration("tuner", (1000,))
    assert calibration is not None
    full = effect(raw_strength(calibration, 1.0)) - effect(0.0)
    for strength in (0.7, 0.8, 0.9):
        share = (effect(raw_strength(calibration, strength)) - effect(0.0)) / full
        assert share == pytest.approx(strength, abs=0.02)


def test_a_strength_promises_its_share_to_three_pictures_in_four(learned) -> None:
    turns = np.linspace(0.35, 0.7, 40)  # the raw strength at which each picture turns

    def effect(raw):
        return 10 * np.clip((raw - turns) / 0.3 + 0.5, 0, 1) - 5

    raw = np.array(STRENGTHS)[:, None]
    others = dict.fromkeys(("flips", "identity", "perceptual"), np.full((len(raw), 40), 0.1))
    values = {"effect": effect(raw), "success": (effect(raw) > 0).astype(float), **others}
    calibration = Sweep(learned, "mean", STRENGTHS, values, LIMIT, effect(0.0)).calibration("tuner", (1000,))
    assert calibration is not None
    full = effect(raw_strength(calibration, 1.0)) - effect(0.0)
    for strength in (0.3, 0.5, 0.7, 0.9):
        shares = (effect(raw_strength(calibration, strength)) - effect(0.0)) / full
        assert np.mean(shares >= strength) == pytest.approx(0.75, abs=0.12)


def test_strength_1_is_where_the_attribute_has_come(learned) -> None:
    late = sweep(learned, lambda raw: 3 * raw, lambda raw: raw >= 1.4).calibration("tuner", (1000,))
    early = sweep(learned, lambda raw: 3 * raw, lambda raw: raw >= 0.5).calibration("tuner", (1000,))
    assert late is not None
    assert early is not None
    assert raw_strength(early, 1.0) < 0.7
    assert raw_strength(late, 1.0) > 1.5  # with something to spare beyond 1.38, where success reaches .95


def test_the_range_ends_where_the_effect_does(learned) -> None:
    calibration = sweep(learned, lambda raw: -((raw - 1.0) ** 2), lambda raw: raw >= 0.5).calibration("tuner", (1000,))
    assert calibration is not None
    assert raw_strength(calibration, calibration.high) == pytest.approx(1.0, abs=0.02)


def test_what_never_comes_has_no_calibration(learned) -> None:
    assert sweep(learned, lambda raw: raw - 9, lambda raw: raw > 9).calibration("tuner", (1000,)) is None


def test_coming_is_put_before_being_clean(learned) -> None:
    target = {"flips": 0.2, "identity": 0.6}
    comes = sweep(learned, lambda raw: raw, lambda raw: raw >= 1, flips=0.2)
    cleaner = sweep(learned, lambda raw: raw, lambda raw: raw >= 1, flips=0.1)
    never = sweep(learned, lambda raw: raw, lambda raw: raw > 9, flips=0.0)
    assert cleaner.cost(target) < comes.cost(target) < never.cost(target)


@pytest.mark.parametrize("t_x", [0.3, 0.1])
@pytest.mark.parametrize("core", ["mean", "mlp", "conv"])
def test_an_attribute_moved_in_time_adds_the_same_clean_difference(learned, backbone: Backbone, core, t_x) -> None:
    grid = DDIM().grid(10, backbone.schedule)
    trajectory = Trajectory(backbone, DDIM(), grid=grid, guidance_scale=1.0)
    position = trajectory.start((5,))

    class Inputs:
        alpha_bar = 0.5

        def clean(self) -> torch.Tensor:
            return position.latent

    def clean_difference(attribute) -> torch.Tensor:
        edit = Avi().edit(attribute.record, attribute.tensors, core)
        edited = edit(torch.zeros_like(position.latent), Inputs(), 1.0)
        return edited / attribute.record.resolved.alpha_bar_x**0.5

    moved = at_time(learned, core, t_x, backbone.schedule)
    assert moved.record.t_x == t_x
    assert moved.record.t_x + moved.record.delta_tau == pytest.approx(0.2)
    torch.testing.assert_close(clean_difference(moved), clean_difference(learned))


@pytest.mark.parametrize(
    ("name", "backbone", "options", "reason"),
    [
        ("old", "latent_diffusion", {}, "No judge of its own"),
        ("old", None, {"vectors": "paper"}, "difference vectors"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_it_is_learned(name, backbone, options, reason) -> None:
    with pytest.raises(InvalidValueError, match=reason):
        tuning_of(learn_spec(name, ["a person"], ["an old person"], **options), backbone)


def test_judging_seeds_are_not_for_tuning(backbone: Backbone) -> None:
    with pytest.raises(InvalidValueError, match="Tuning seeds"):
        Tuner(backbone, OracleJudge("tuner"), "a photo of a person", seeds=(10_000,))
