"""The core ``live``: this picture's own difference, a little of it at each of several times."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from attrbank.attribute.artifact import LearnedAttribute, decode, encode
from attrbank.avi.own_difference import own_difference, places
from attrbank.diffusion.trajectory import Trajectory, clean_under
from attrbank.editing.acting import ready
from attrbank.editing.composition import Act, run_edits
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods import difference, live, trial
from attrbank.methods.avi import Avi
from attrbank.methods.live import LiveEdit
from attrbank.methods.moving import LAST
from attrbank.methods.path import PathEdit
from attrbank.methods.protocol import LearnContext, quiet
from attrbank.methods.trial import FIRSTS, Progress, Trial, count_for
from attrbank.names import Asked
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.header import seal

SOURCE, TARGET = "a photo of a person", "a photo of an old person"


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


def learned(backbone, **options) -> LearnedAttribute:
    options = {"seeds": tuple(range(4)), "steps": 10, "guidance_scale": 3.0, "core": "live", **options}
    spec = complete(learn_spec("old", [SOURCE], [TARGET], **options), backbone)
    return learn_attribute(spec, Avi(), backbone, load_plugins().sampler("ddim"))


@pytest.fixture(scope="module")
def attribute(backbone) -> LearnedAttribute:
    return learned(backbone)


def trajectory(backbone, steps: int = 10) -> Trajectory:
    ddim = load_plugins().sampler("ddim")
    return Trajectory(backbone, ddim, grid=ddim.grid(steps, backbone.schedule), guidance_scale=3.0)


class TestPlaces:
    """The mask."""

    def test_a_difference_stays_where_it_is_strong_and_is_all_but_gone_where_it_is_a_tenth(self) -> None:
        difference = torch.full((1, 4, 16, 16), 0.1)
        difference[..., 4:10, 4:10] = 1.0
        kept = own_difference(torch.zeros_like(difference), difference)
        assert kept[..., 5:9, 5:9].min() > 0.99
        assert kept[..., 12:, 12:].max() < 0.0011

    def test_it_goes_where_the_difference_goes(self) -> None:
        difference = torch.zeros(1, 4, 16, 16)
        difference[..., 3:6, 3:6] = torch.randn(4, 3, 3, generator=torch.Generator().manual_seed(0))
        moved = difference.roll((5, 4), dims=(-2, -1))
        assert torch.equal(places(moved), places(difference).roll((5, 4), dims=(-2, -1)))

    def test_every_picture_has_its_own(self) -> None:
        differences = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
        scaled = torch.stack([differences[0], 100 * differences[1]])
        assert torch.allclose(places(scaled), places(differences), atol=1e-5)

    def test_no_difference_is_nowhere(self) -> None:
        assert torch.equal(places(torch.zeros(2, 4, 8, 8)), torch.zeros(2, 1, 8, 8))


class TestStrengths:
    """From how far raw strengths go to what strengths are."""

    raw = (0.0, 1.0, 2.0, 4.0)

    def test_what_is_left_of_the_way_falls_as_the_root_of_what_is_left_to_be_seen(self) -> None:
        reached = (0.0, 0.5, 0.6, 1.0)
        points = live.strengths_of(self.raw, reached, reached)
        assert [share for share, _ in points] == [0.0, *live.SHARES]
        for share, found in points[1:]:
            left = 1 - np.interp(found, self.raw, reached) / live.FULL
            assert left**2 == pytest.approx(1 - share, abs=1e-6)

    def test_strength_1_goes_far_enough_in_the_picture_that_comes_least(self) -> None:
        reached = (0.0, live.FULL, 0.8, 0.85)
        assert live.strengths_of(self.raw, reached, (0.0, live.LEAST, 0.6, 1.0))[-1] == (1.0, pytest.approx(1.0))
        assert live.strengths_of(self.raw, reached, (0.0, 0.0, 0.0, 2 * live.LEAST))[-1] == (1.0, pytest.approx(3.0))

    def test_no_picture_drags_the_others_much_further_than_they_must(self) -> None:
        reached = (0.0, live.FULL, live.MOST_OF_ALL, 1.0)
        assert live.strengths_of(self.raw, reached, (0.0, 0.0, 0.0, 0.0))[-1] == (1.0, pytest.approx(2.0))

    def test_where_none_goes_all_the_way_the_last_is_the_full_effect(self) -> None:
        assert live.strengths_of((0.0, 1.0, 8.0), (0.0, 0.3, 0.5), (0.0, 0.3, 0.5))[-1] == (1.0, pytest.approx(8.0))

    def test_what_goes_nowhere_still_has_strengths(self) -> None:
        assert live.strengths_of((0.0, 8.0), (0.0, 0.0), (0.0, 0.0)) == [(0.0, 0.0), (1.0, 8.0)]

    def test_a_strength_that_adds_nothing_is_passed_over(self) -> None:
        points = live.strengths_of(self.raw, (0.0, 0.5, 0.5, 1.2), (0.0, 0.1, 0.1, 1.0))
        assert all(left[1] < right[1] for left, right in pairwise(points))


@pytest.mark.parametrize(
    ("steps", "guidance_scale", "times"), [(50, 7.5, 5), (25, 3.0, 4), (100, 1.0, 5), (4, 0.0, 4), (200, 7.5, 10)]
)
def test_at_four_rows_a_time_it_is_a_fifth_of_a_plain_run(backbone, steps: int, guidance_scale, times: int) -> None:
    ddim = load_plugins().sampler("ddim")
    run = Trajectory(backbone, ddim, grid=ddim.grid(steps, backbone.schedule), guidance_scale=guidance_scale)
    assert count_for(run) == times


@pytest.mark.parametrize(("reaches", "first"), [(0.6, 0.6), (0.8, 0.8), (None, 0.9)])
def test_it_begins_as_late_as_it_still_reaches_far_enough(monkeypatch, backbone, reaches, first) -> None:
    def reached(self, edit, times, raw):
        early = reaches is not None and times[0] <= backbone.schedule.alpha_bar(round(1000 * reaches))
        return Progress(*[1.0 if early else 0.1 * raw / 8] * 2, 1.0)

    monkeypatch.setattr(Trial, "on_the_way", reached)
    times = learned(backbone).record.times
    assert times[0] == backbone.schedule.alpha_bar(round(1000 * first))
    assert times[-1] == backbone.schedule.alpha_bar(round(1000 * LAST))


def test_what_it_records_is_of_strength_1_and_going_back_a_little_counts_as_standing(monkeypatch, backbone) -> None:
    reached = {0.5: 0.36, 1.0: 0.3, 2.0: live.FULL, 4.0: 0.8, 8.0: 0.95}
    monkeypatch.setattr(Trial, "on_the_way", lambda self, edit, times, raw: Progress(*[reached[raw]] * 2, 1 / raw))
    record = learned(backbone).record
    found = record.calibration
    assert found is not None
    assert (found.low, found.high, found.raw[-1]) == (-1.0, 4.0, 2.0)
    assert found.raw[-2] == pytest.approx(1 + (live.FULL * (1 - 0.1**0.5) - 0.36) / (live.FULL - 0.36))
    assert record.measured["along_live"] == 0.5


def test_a_picture_that_hardly_changes_under_the_target_prompt_is_not_the_one_that_comes_least(monkeypatch) -> None:
    tried, way = object.__new__(Trial), torch.ones(2, 4, 8, 8)
    way[1] *= 0.1
    change = torch.stack([0.5 * way[0], torch.zeros(4, 8, 8)])
    tried._before, tried._way, tried._point = torch.zeros_like(way), way, way
    tried._ways = [(PromptPair(source=SOURCE, target=TARGET), [])]
    monkeypatch.setattr(tried, "_edited", lambda *anything: change)
    assert tried.of(None, (), 1.0).least == pytest.approx(0.5)


@pytest.mark.parametrize("t_x", [0.4, 0.95])
@pytest.mark.parametrize("steps", [34, 50, 58])
def test_every_beginning_and_every_rival_can_be_tried_on_any_grid(backbone, steps: int, t_x: float) -> None:
    ddim = load_plugins().sampler("ddim")
    run = Trajectory(backbone, ddim, grid=ddim.grid(steps, backbone.schedule), guidance_scale=1.0)
    spec = complete(learn_spec("old", [SOURCE], [TARGET], seeds=(0,), steps=steps, t_x=t_x, delta_tau=-0.2), backbone)
    tried = Trial(LearnContext(spec, run, 0, 0, quiet))
    for first in FIRSTS:
        times = tried.times(first)
        for edit in (LiveEdit(spec.pairs, times, 1.0), PathEdit(spec.pairs, len(times), 1.0)):
            tried.on_the_way(edit, times, 1.0)
    assert tried.once(lambda x, inputs, strength: x, t_x).reached == 0


def test_an_attribute_that_acts_where_it_was_learned_to_act_is_not_warned_of(
    attribute, tiny_pipeline, tmp_path
) -> None:
    bank = Bank(tmp_path / "bank")
    bank.add(seal(encode(attribute)))
    asked = ApplyRequest(references=(Asked("old"),), bank=bank.path, backbone=str(tiny_pipeline), steps=50)
    assert not [warning for warning in plan(asked).warnings if "was learned at" in warning]


def test_every_pair_has_its_turn(backbone) -> None:
    assert count_for(trajectory(backbone), 9) == 9
    assert count_for(trajectory(backbone), 64) == trial.MOST


def test_clean_under_is_what_a_run_without_guidance_predicts(backbone) -> None:
    run = trajectory(backbone)
    here = run.run(run.start([1, 2]), backbone.encode_prompts([SOURCE]), 3)
    before = run.evaluations
    found = clean_under(run, here, [SOURCE, TARGET])
    assert run.evaluations - before == 4
    plain = Trajectory(backbone, run.sampler, grid=run.grid, guidance_scale=1.0)
    for clean, prompt in zip(found, (SOURCE, TARGET), strict=True):
        assert torch.allclose(clean, plain.predict(here, backbone.encode_prompts([prompt])).x0, atol=1e-5)


def test_it_acts_on_the_picture_as_earlier_times_have_left_it(backbone, attribute) -> None:
    """Twice a half is not once a whole: the second time looks at the edited picture."""
    run = trajectory(backbone)
    act = ready(attribute, 1.0).on(run.grid, backbone.schedule)
    assert len((act.index, *act.later)) == len(attribute.record.times)
    seen = []

    def spying(x, inputs, strength):
        seen.append(x)
        return act.edit(x, inputs, strength)

    run_edits(run, SOURCE, [7], [Act(act.index, spying, act.strength, act.later)], with_before=False)
    plain = run.run(run.start([7]), backbone.encode_prompts([SOURCE]), act.later[-1])
    assert not torch.allclose(seen[-1], plain.latent)


@pytest.mark.parametrize("prompt", [SOURCE, "a photo of a woman"])
def test_an_attribute_that_was_learned_before_acts_to_the_bit_as_it_always_has(backbone, attribute, prompt) -> None:
    """Step for step what the core was when it was the only one of its kind."""
    run, record = trajectory(backbone), attribute.record
    act = ready(attribute, 0.7).on(run.grid, backbone.schedule)
    position, conditioning = run.start([7, 8]), backbone.encode_prompts([prompt])
    for index in (act.index, *act.later):
        position = run.run(position, conditioning, index)
        source, target = clean_under(run, position, (SOURCE, TARGET))
        share = record.units["live"] / len(record.times) * run.alpha_bar(index) ** 0.5
        position = position.edited(position.latent + act.strength * (share * own_difference(source, target)))
    edited = run_edits(trajectory(backbone), prompt, [7, 8], [act], with_before=False)
    assert torch.equal(edited.after, run.run(position, conditioning).latent)


def test_it_costs_two_rows_a_time_and_the_plan_says_so(attribute, tiny_pipeline, tmp_path) -> None:
    bank = Bank(tmp_path / "bank")
    bank.add(seal(encode(attribute)))
    for options in ({}, {"only_after": True}, {"rho": 0.0}, {"rho": -0.5}, {"steps": 4}, {"core": "mean"}):
        asked = ApplyRequest(
            **{
                "references": (Asked("old"),),
                "bank": bank.path,
                "backbone": str(tiny_pipeline),
                "output": tmp_path / "out.png",
                "steps": 10,
                **options,
            }
        )
        planned = plan(asked)
        rows = sum(turn.stop.needs.rows for turn in planned.turns)
        assert rows == (0 if options in ({"rho": 0.0}, {"core": "mean"}) else 2 * len(attribute.record.times))
        assert apply(asked).unet_evaluations == planned.unet_evaluations, options


def test_strength_0_changes_no_bit_and_more_goes_further(backbone, attribute) -> None:
    def after(strength: float):
        run = trajectory(backbone)
        return run_edits(run, SOURCE, [7, 8], [ready(attribute, strength).on(run.grid, backbone.schedule)])

    before, same = after(0.0)
    assert torch.equal(before, same)
    half, whole = ((after(strength).after - before).norm() for strength in (0.5, 1.0))
    assert 0 < half < whole


def test_several_pairs_take_turns(backbone, attribute) -> None:
    record = attribute.record
    pairs = (*record.pairs, PromptPair(source="a photo of a man", target="a photo of an old man"))
    asked = []

    class Asks:
        def __init__(self, turn: int, alpha_bar: float) -> None:
            self.turn, self.alpha_bar = turn, alpha_bar

        def clean_under(self, x, prompts):
            asked.append(prompts)
            return torch.stack([x, 2 * x])

    edit = LiveEdit(pairs, record.times, 1.0)
    for turn in range(len(record.times)):
        edit(torch.ones(1, 4, 8, 8), Asks(turn, 0.5), 1.0)  # a coarse grid may have all of them at one step
    assert asked == [(pair.source, pair.target) for pair in pairs] * (len(record.times) // 2)


def test_a_core_that_is_asked_for_is_taken_and_nothing_is_measured_for_another(monkeypatch, backbone) -> None:
    monkeypatch.setattr(difference, "Trial", None)
    assert learned(backbone, core="mean").record.core == "mean"


def test_its_artifact_can_be_read_back_and_times_without_the_core_are_refused(attribute) -> None:
    data = seal(encode(attribute))
    assert decode(data).record == attribute.record
    fields = attribute.record.model_dump()
    for broken in ({"times": ()}, {"times": fields["times"][::-1]}, {"units": {"mean": 1.0}}):
        with pytest.raises(ValidationError, match="times"):
            AttributeRecord.model_validate({**fields, **broken})


def test_the_bank_still_holds_the_mean_for_who_asks_for_it(attribute) -> None:
    assert isinstance(ready(attribute, 1.0, "mean").edit, difference.MeanEdit)
