"""``learn --tune`` on a model that is not ours, with its own judge, with another one, and with somebody's method."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.attribute.artifact import decode
from attrbank.evaluation import tuning
from attrbank.methods.trial import FEWEST
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from tests.cli.conftest import (
    Cli,
    bank as bank,  # noqa: PLC0414 — a fixture
    cli as cli,  # noqa: PLC0414
)
from tests.helpers.fake_distributions import install
from tests.helpers.toy_truth import install_toy

LEARN = (
    *("--backbone", "toy", "--source", "a photo of a person", "--target", "a photo of an old person"),
    *("--seeds", "0-7", "--steps", "10", "--no-preview", "--tune"),
)

SHIFTS = """
from attrbank.plugin import Learned, Method, Spec, Strengths, hookimpl, predict_clean_pairs

@hookimpl
def register_methods(register):
    register(Spec("shifts", "Adds the mean difference.", target="attrbank_shifts:Shifts"))

class Shifts(Method):
    name = "shifts"

    def learn(self, context):
        source, target = predict_clean_pairs(context)
        scale = 2 * context.trajectory.alpha_bar(context.index_x) ** 0.5
        return Learned({"difference": scale * (target - source).mean(0)})

    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x + strength * tensors["difference"] if strength else x

    def strengths(self, record):
        return Strengths(0.0, 1.5)

    def require_tunable(self, asked):
        pass
"""


@pytest.fixture(autouse=True)
def few_pictures(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy, on eight tuning seeds."""
    install_toy(on_path)
    monkeypatch.setattr(tuning, "SEEDS", tuple(range(1000, 1008)))
    monkeypatch.setattr(tuning.Tuner.__init__, "__defaults__", (tuning.SEEDS,))


def record(bank: Bank, name: str = "old") -> AttributeRecord:
    return decode(bank.read(bank.resolve(name))).record


def test_the_models_own_judge_tunes_and_what_it_chose_is_told_and_recorded(bank: Bank, cli: Cli) -> None:
    done = cli("learn", "old", *LEARN)
    assert done.code == 0, done.err
    found = record(bank)
    assert found.tuning is not None
    assert (found.tuning.judge, found.tuning.oracle, found.calibration.judge) == ("truth", True, "truth")
    chosen = found.tuning.trials[found.tuning.chosen]
    assert chosen.core == found.core == found.calibration.core
    assert chosen.figures["success"] >= 0.95
    assert {trial.core for trial in found.tuning.trials} >= {"mean", "mlp", "conv"}
    for said in (done.err, cli("show", "old").out):
        assert "tuned by" in said
        assert f"{chosen.core} at" in said
    assert "no oracle" not in done.err


@pytest.mark.parametrize("judge", ["brightness", "self"])
def test_another_judge_tunes_as_well_and_is_said_to_be_no_oracle(judge: str, bank: Bank, cli: Cli) -> None:
    done = cli("learn", "old", *LEARN, "--judge", judge)
    assert f"warning: {judge} is no oracle" in done.err
    if done.code == 0:
        found = record(bank)
        assert (found.tuning.judge, found.tuning.oracle) == (judge, False)
        assert f"{judge}, which is no oracle" in cli("show", "old").out
    else:  # the toy's pictures need not get brighter
        assert "does not come at any strength" in done.err or "Every tuning picture has" in done.err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--judge", "nobody"], "There is no judge"),
        (["--judge", "clip"], "takes an argument"),
    ],
)
def test_a_judge_that_there_is_not_is_refused_before_anything_is_loaded(options, reason, bank: Bank, cli: Cli) -> None:
    refused = cli("learn", "old", *LEARN, *options)
    assert refused.code in (3, 4)
    assert reason in refused.err
    assert not bank.path.exists()


def test_what_the_judge_cannot_see_is_refused_before_anything_is_sampled(bank: Bank, cli: Cli, monkeypatch) -> None:
    monkeypatch.setattr("attrbank.learning.run.learn_attribute", None)
    refused = cli("learn", "cheerful", *LEARN)
    assert (refused.code, "--goal: old, hat" in refused.err) == (4, True)


def test_a_goal_says_what_a_name_does_not(bank: Bank, cli: Cli) -> None:
    assert cli("learn", "cheerful", *LEARN, "--goal", "old").code == 0
    assert record(bank, "cheerful").tuning.judge == "truth"


def test_judge_and_goal_without_tuning_are_no_command(cli: Cli) -> None:
    for option in (("--judge", "self"), ("--goal", "old")):
        asked = cli("learn", "old", "--source", "a", "--target", "b", *option)
        assert (asked.code, "belong to --tune" in asked.err) == (2, True)


def test_a_core_that_was_asked_for_is_the_only_one_that_is_tried(bank: Bank, cli: Cli) -> None:
    assert cli("learn", "old", *LEARN, "--core", "mean").code == 0
    assert [(trial.core, trial.t_x) for trial in record(bank).tuning.trials] == [("mean", 0.2), ("mean", 0.3)]


def test_a_core_that_acts_on_the_way_is_tried_at_its_own_times_and_nothing_is_measured_to_be_dropped(
    bank: Bank, cli: Cli
) -> None:
    assert cli("learn", "old", *LEARN, "--core", "live").code == 0
    found = record(bank)
    (trial,) = found.tuning.trials
    assert (trial.core, trial.t_x, found.core) == ("live", None, "live")
    assert len(found.times) >= FEWEST
    assert found.calibration.judge == "truth"  # and no longer what learn measured for itself


def test_what_is_banked_takes_the_place_of_what_acts_on_the_way_altogether(bank: Bank, cli: Cli, monkeypatch) -> None:
    monkeypatch.setattr("attrbank.methods.difference.CLEARLY_BETTER", 2.0)  # learn takes the core path
    monkeypatch.setattr(tuning.Sweep, "cost", lambda self, target: (0.0, float(self.core != "mean")))
    assert cli("learn", "old", *LEARN).code == 0
    found = record(bank)
    assert "path" in {trial.core for trial in found.tuning.trials}
    assert (found.core, found.times, {"path", "live"} & found.units.keys()) == ("mean", (), set())


def test_somebodys_method_that_says_it_can_be_tuned_is_calibrated_at_its_own_time(
    on_path: Path, bank: Bank, cli: Cli
) -> None:
    install(on_path, "attrbank-shifts", SHIFTS)
    done = cli("learn", "old", *LEARN, "--method", "shifts")
    assert done.code == 0, done.err
    found = record(bank)
    assert [(trial.core, trial.t_x) for trial in found.tuning.trials] == [(None, found.t_x)]
    assert (found.calibration.core, found.calibration.raw[-1] <= 1.4) == (None, True)
