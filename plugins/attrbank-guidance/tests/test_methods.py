"""The methods on a random model: under the contract of all methods, composed, and where the answer is a prompt's."""

from __future__ import annotations

import pytest
import torch
from attrbank_guidance import METHODS, fitting

from attrbank.plugin import (
    DDIM,
    Act,
    Backbone,
    InvalidValueError,
    LearnedAttribute,
    Method,
    MethodContract,
    Trajectory,
    When,
    check_binding,
    learn_attribute,
    learn_spec,
    load_plugins,
    run_edits,
)

SOURCE, TARGET = "a photo of a person", "a photo of an old person"
STEPS, SCALE = 8, 3.0


class Contract(MethodContract):
    __test__ = False
    method: str

    def make(self) -> Method:
        return load_plugins().method(self.method)


class TestFreeSlider(Contract):
    __test__ = True
    method = "free-slider"


class TestSega(Contract):
    __test__ = True
    method = "sega"


class TestLedits(Contract):
    __test__ = True
    method = "ledits:quantile=0.5"


class TestClassifier(Contract):
    __test__ = True
    method = "classifier"


@pytest.fixture(autouse=True)
def _trained_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts mean little to a random model, and what a classifier learns of it is no better for taking long."""
    monkeypatch.setattr(fitting, "STEPS", 20)


@pytest.fixture(scope="module")
def model() -> Backbone:
    return Contract().make_backbone()


def learned(model: Backbone, method: str, targets: tuple[str, ...] = (TARGET,), **given: object) -> LearnedAttribute:
    settings = {"steps": STEPS, "guidance_scale": SCALE, "seeds": tuple(range(6)), **given}
    spec = learn_spec("old", [SOURCE] * len(targets), list(targets), method=method, **settings)
    return learn_attribute(spec, load_plugins().method(method), model, DDIM(), force=True)


def trajectory_of(model: Backbone, scale: float = SCALE) -> Trajectory:
    return Trajectory(model, DDIM(), grid=DDIM().grid(STEPS, model.schedule), guidance_scale=scale)


def act(attribute: LearnedAttribute, index: int, strength: float = 1.0) -> Act:
    method = load_plugins().method_of(attribute.record)
    return Act(index, method.edit(attribute.record, attribute.tensors), strength)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_free_slider_at_1_is_the_picture_under_the_target_prompt_from_there(model: Backbone, scale: float) -> None:
    plan = trajectory_of(model, scale)
    edited = run_edits(plan, SOURCE, [7, 8], [act(learned(model, "free-slider"), 2)]).after
    start = plan.run(plan.start([7, 8]), plan.conditioning(SOURCE), 2)
    switched = plan.run(start, plan.conditioning(TARGET)).latent
    torch.testing.assert_close(edited, switched, atol=1e-4, rtol=1e-4)


def test_two_free_sliders_in_one_picture_are_one_of_both_strengths(model: Backbone) -> None:
    plan, attribute = trajectory_of(model), learned(model, "free-slider")
    both = run_edits(plan, SOURCE, [7], [act(attribute, 2, 0.75), act(attribute, 2, -0.25)]).after
    one = run_edits(plan, SOURCE, [7], [act(attribute, 2, 0.5)]).after
    torch.testing.assert_close(both, one, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_below_0_it_leads_the_other_way(model: Backbone, method: str) -> None:
    attribute = learned(model, method)
    before, up = run_edits(trajectory_of(model), SOURCE, [7], [act(attribute, 6, 0.1)])
    _, down = run_edits(trajectory_of(model), SOURCE, [7], [act(attribute, 6, -0.1)])
    one, other = (up - before).flatten(), (down - before).flatten()
    assert float(torch.cosine_similarity(one, other, dim=0)) < -0.9


@pytest.mark.parametrize("method", METHODS)
def test_pictures_in_one_run_do_not_know_of_each_other(model: Backbone, method: str) -> None:
    attribute = learned(model, method)
    together = run_edits(trajectory_of(model), SOURCE, [7, 8], [act(attribute, 1)]).after
    alone = run_edits(trajectory_of(model), SOURCE, [8], [act(attribute, 1)]).after
    torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=1e-4)


def test_it_costs_a_row_for_every_prompt_and_step_of_its_interval(model: Backbone) -> None:
    plan, attribute = trajectory_of(model), learned(model, "sega", (TARGET, "a photo of a man"), t_x=1.0)
    run_edits(plan, SOURCE, [7, 8], [act(attribute, 3)], with_before=False)
    assert plan.evaluations == 2 * (2 * STEPS + 3 * (STEPS - 3))


def test_a_time_behind_the_name_moves_the_interval(model: Backbone) -> None:
    record = learned(model, "free-slider").record
    method, schedule = load_plugins().method("free-slider"), model.schedule
    until = [method.moved(record, None, when, schedule).delta_tau for when in (When(0.5), When(0.8, 0.2))]
    assert until == [-0.5, -0.6]
    learned_late = record.model_copy(update={"t_x": 0.9, "delta_tau": -0.6})
    assert method.moved(learned_late, None, When(0.5), schedule).delta_tau == -0.2, "it ends where it was learned to"
    with pytest.raises(InvalidValueError, match=r"acts until 0\.3, so it cannot begin at 0\.3") as raised:
        method.moved(learned_late, None, When(0.3), schedule)
    assert raised.value.hint == "Say when it ends as well, as in old@0.3..0.15."
    moved = method.moved(record, None, When(0.5), schedule)
    assert method.times(moved, None) == (schedule.alpha_bar(500),)
    assert method.edit(method.moved(record, None, When(0.8, 0.2), schedule), {}).until == 0.2


def test_it_fits_another_network_that_reads_prompts_alike(model: Backbone) -> None:
    record = learned(model, "ledits").record
    method = load_plugins().method_of(record)

    class Other:
        name, fingerprint, parts = "another", "0" * 64, model.parts
        latent_shape, prediction_type, family = model.latent_shape, model.prediction_type, record.backbone.family

    check = {"parts": method.parts(record, None), "network": method.needs_its_network(record)}
    assert check_binding(record, Other(), force=False, **check) is None


def test_what_cannot_be_is_refused(model: Backbone) -> None:
    with pytest.raises(InvalidValueError, match="over an interval"):
        learned(model, "free-slider", t_x=0.5, delta_tau=0.0)
    for wrong in ("sega:quantile=1", "ledits:scale=0", "free-slider:quantile=0.5"):
        with pytest.raises(InvalidValueError):
            load_plugins().method(wrong)


def test_a_pair_that_says_nothing_is_refused(model: Backbone) -> None:
    spec = learn_spec("old", [SOURCE], [SOURCE + " "], method="sega", steps=STEPS, guidance_scale=SCALE)
    with pytest.raises(InvalidValueError, match="almost the same pictures"):
        learn_attribute(spec, load_plugins().method("sega"), model, DDIM())


def test_few_seeds_are_enough_however_many_are_given(model: Backbone) -> None:
    assert learned(model, "sega").tensors["change"].shape == (4,)
