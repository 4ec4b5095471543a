"""The core ``path`` as it is learned, banked and made ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from attrbank.attribute.artifact import LearnedAttribute, decode, encode
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.acting import ready
from attrbank.editing.composition import run_edits
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.errors import InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods import difference, live, path
from attrbank.methods.avi import Avi
from attrbank.methods.live import LiveEdit
from attrbank.methods.moving import LAST
from attrbank.methods.path import PathEdit
from attrbank.methods.protocol import LearnContext, quiet
from attrbank.methods.trial import FIRSTS, JUDGE, Fitted, Progress, Trial
from attrbank.names import Asked
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.samplers.ddim import DDIM
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.header import seal
from tests.methods.test_path import OLD, SOURCE, TARGET, acting


def learned(backbone, **options) -> LearnedAttribute:
    options = {"seeds": tuple(range(4)), "steps": 10, "guidance_scale": 3.0, **options}
    spec = complete(learn_spec("old", [SOURCE], [TARGET], **options), backbone)
    return learn_attribute(spec, Avi(), backbone, DDIM())


def fitted(backbone) -> Fitted:
    """What is found out about it, and nothing about what is banked."""
    run = Trajectory(backbone, DDIM(), grid=DDIM().grid(10, backbone.schedule), guidance_scale=3.0)
    options = {"seeds": tuple(range(4)), "steps": 10, "guidance_scale": 3.0}
    spec = complete(learn_spec("old", [SOURCE], [TARGET], **options), backbone)
    context = LearnContext(spec, run, 0, 0, quiet)
    return path.fit(context, Trial(context))


@pytest.fixture(scope="module")
def attribute(backbone) -> LearnedAttribute:
    return learned(backbone, core="path")


@pytest.fixture(scope="module")
def bank(attribute: LearnedAttribute, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Bank(tmp_path_factory.mktemp("path") / "bank")
    store.add(seal(encode(attribute)))
    return store.path


class TestLearning:
    """What is found out about it, and what it is banked with."""

    @pytest.fixture
    def reaching(self, monkeypatch):
        """How far strength 1 goes from each beginning, on average and in the picture that comes least."""

        def going(reached: dict[float, tuple[float, float]]) -> None:
            schedule = tiny_backbone().schedule
            firsts = {schedule.alpha_bar(schedule.timestep_of(first)): going for first, going in reached.items()}

            def on_the_way(self, edit, times, strength):
                if isinstance(edit, LiveEdit):
                    return Progress(strength / 4, strength / 4, 0.9)
                reached, least = firsts[times[0]]
                return Progress(reached * strength, least * strength, reached)

            monkeypatch.setattr(Trial, "on_the_way", on_the_way)
            monkeypatch.setattr(Trial, "once", lambda self, edit, t_x: Progress(1.0, 1.0, -1.0))

        return going

    @pytest.mark.parametrize(
        ("reached", "begins"),
        [
            ({0.6: (0.5, 0.2)}, 0.6),
            ({0.6: (0.49, 0.5), 0.7: (0.9, 0.2)}, 0.7),
            ({0.6: (0.9, 0.19), 0.7: (0.9, 0.1), 0.8: (0.51, 0.21)}, 0.8),
            ({0.6: (0.1, 0.1), 0.7: (0.2, 0.2), 0.8: (0.3, 0.3), 0.9: (0.4, 0.1)}, 0.9),
        ],
    )
    def test_it_begins_as_late_as_it_still_goes_most_of_the_way_in_every_picture(
        self, reached: dict[float, tuple[float, float]], begins: float, reaching, backbone
    ) -> None:
        reaching(reached)
        found, schedule = fitted(backbone), backbone.schedule
        times = found.fields["times"]
        assert times[0] == schedule.alpha_bar(schedule.timestep_of(begins))
        assert times[-1] == schedule.alpha_bar(schedule.timestep_of(LAST))
        along = reached[begins][0]
        assert (found.along, found.measured) == (along, {"along_path": along, "acts_from": begins, "acts_until": LAST})

    def test_strength_1_is_all_of_the_way_and_of_live_its_own_full_effect(self, reaching, backbone) -> None:
        reaching({0.6: (1.0, 1.0)})
        record = learned(backbone).record
        found = record.calibration
        assert found is not None
        assert (found.core, found.strengths, found.raw, found.judge) == ("path", (0.0, 1.0), (0.0, 1.0), JUDGE)
        assert (found.low, found.high, found.seeds) == (-1.0, 1.3, tuple(range(4)))
        assert record.units["path"] == 1.0
        assert record.units["live"] == pytest.approx(3.0 * 4 * live.FULL)
        assert {"mean", "mlp", "conv", "own"} < set(record.units)

    @pytest.mark.parametrize(("reached", "size"), [(0.7, 1.0), (0.5, 1 + 0.1 / 0.5), (0.4, 1.3)])
    def test_where_all_of_the_way_is_short_strength_1_goes_beyond_it(
        self, reached: float, size: float, reaching, backbone
    ) -> None:
        reaching(dict.fromkeys(FIRSTS, (reached, 0.3)))
        fields = fitted(backbone).fields
        assert fields["units"]["path"] == pytest.approx(size)
        assert fields["calibration"].high == round(1.3 / size, 2)

    @pytest.mark.parametrize(("core", "onward"), [("path", True), ("live", True), ("mean", False)])
    def test_a_core_that_is_asked_for_is_taken(self, core: str, onward: bool, reaching, backbone) -> None:
        reaching({0.6: (1.0, 1.0)})
        record = learned(backbone, core=core).record
        assert record.core == core
        assert bool(record.times) == onward
        assert ("path" in record.units) == (core == "path")

    @pytest.mark.parametrize(("banked", "chosen"), [(2.0, {"mean", "mlp", "conv"}), (1.0, {"path"}), (-1.0, {"path"})])
    def test_what_is_banked_acts_only_where_it_does_clearly_better(
        self, banked: float, chosen: set[str], reaching, monkeypatch, backbone
    ) -> None:
        reaching({0.6: (1.0, 1.0)})
        monkeypatch.setattr(Trial, "once", lambda self, edit, t_x: Progress(1.0, 1.0, banked))
        record = learned(backbone).record
        assert record.core in chosen
        assert bool(record.times) == (record.core == "path") == ("path" in record.units)
        assert record.measured["along_path"] == 1.0

    def test_what_it_explains_is_how_well_it_lies_along(self) -> None:
        assert difference.of_all_change({"core": "path", "measured": {"along_path": 0.6}}) == pytest.approx(0.36)

    @pytest.mark.parametrize("core", ["path", "live"])
    def test_attributes_of_pictures_have_no_way(self, core: str) -> None:
        with pytest.raises(InvalidValueError, match=f"The core '{core}' takes prompts"):
            Avi().settings({"core": core}, pairs=0, pictures=2, preset=None)

    def test_what_is_tried_is_what_a_run_does(self, backbone) -> None:
        """The trial has its own inputs: they must say what those of a run say, times that share a step included."""
        run = Trajectory(backbone, DDIM(), grid=DDIM().grid(10, backbone.schedule), guidance_scale=3.0)
        spec = complete(learn_spec("old", [SOURCE], [TARGET], seeds=(0, 1), steps=10, guidance_scale=3.0), backbone)
        tried, times = Trial(LearnContext(spec, run, 0, 0, quiet)), (4, 4, 6, 9)
        edit = PathEdit((OLD,), len(times), 1.0)
        before, after = run_edits(run, SOURCE, (0, 1), [acting(edit, 0.8, times)])
        (pair, way), *_ = tried._ways
        found = tried._edited(way, pair.source, edit, times, 0.8)
        assert torch.allclose(found, after, atol=1e-4)
        assert not torch.allclose(found, before, atol=1e-2)


class TestBanked:
    """What is made of a record."""

    def test_its_artifact_can_be_read_back(self, attribute: LearnedAttribute) -> None:
        assert decode(seal(encode(attribute))).record == attribute.record
        fields = attribute.record.model_dump()
        with pytest.raises(ValidationError, match="times"):
            AttributeRecord.model_validate({**fields, "times": ()})

    def test_half_of_the_strength_is_half_of_the_way_raw(self, attribute: LearnedAttribute) -> None:
        for strength in (-1.0, 0.5, 1.0, 1.3):
            found = ready(attribute, strength)
            assert found.strength == pytest.approx(strength)
            assert isinstance(found.edit, PathEdit)
            assert found.edit.size == attribute.record.units["path"]
        with pytest.raises(InvalidValueError, match="no core"):
            ready(attribute, 1.0, "distil")

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"only_after": True},
            {"rho": 0.0},
            {"rho": -0.5},
            {"steps": 4},
            {"core": "live"},
            {"core": "mean"},
            {"prompt": "a photo of a woman"},
            {"steps": 4, "prompt": "a photo of a woman"},
        ],
        ids=str,
    )
    def test_a_plan_says_what_it_takes(
        self, options: dict[str, Any], bank: Path, tiny_pipeline: Path, tmp_path: Path, attribute: LearnedAttribute
    ) -> None:
        given = {"references": (Asked("old"),), "bank": bank, "backbone": str(tiny_pipeline), "steps": 10, **options}
        asked = ApplyRequest(output=tmp_path / "out.png", **given)
        planned = plan(asked)
        (turn,) = planned.turns
        acts = options.get("core", "path") == "path" and options.get("rho") != 0
        assert len(turn.stop.needs.towards) == (len(attribute.record.times) if acts else 0)
        assert apply(asked).unet_evaluations == planned.unet_evaluations

    def test_in_a_pipeline_it_adds_the_pictures_own_difference(self, attribute: LearnedAttribute) -> None:
        assert Avi().core_without_network(attribute.record) == "live"
        assert ready(attribute, 0.5, "live").strength == 0.5
        edit = ready(attribute, 1.0, "live").edit
        assert isinstance(edit, LiveEdit)
        assert edit.size == attribute.record.units["live"]
        assert Avi().parts(attribute.record, "path") == Avi().parts(attribute.record, "live")
