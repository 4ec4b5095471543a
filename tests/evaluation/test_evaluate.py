"""From the command line to the report, on a tiny model and with networks that need no weights."""

from __future__ import annotations

import json
import re
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.cli.app import run
from attrbank.errors import IncompatibleError, InvalidValueError, NumericError
from attrbank.evaluation.bench import elsewhere
from attrbank.evaluation.bench.cells import FILE
from attrbank.evaluation.bench.competitors import Interpolation
from attrbank.evaluation.bench.setting import set_up
from attrbank.evaluation.bench.strips import strip
from attrbank.evaluation.evaluate import EvalRequest, Work, evaluate
from attrbank.evaluation.numbers.results import Figures
from attrbank.methods.protocol import Method
from attrbank.plugins.discovery import Registration
from attrbank.plugins.hookspecs import Spec
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank

COMMON = ("--seeds", "10000-10002", "--steps", "5", "--judge", "clip:weights")


@pytest.fixture
def command(stocked: Path, networks, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    def invoke(*arguments: str, code: int = 0) -> tuple[str, str]:
        found = run(["eval", "old", *COMMON, *arguments, "--bank", str(stocked)])
        captured = capsys.readouterr()
        assert found == code, captured.err
        return captured

    return invoke


def test_every_competitor_is_measured_at_every_strength(command):
    figures = json.loads(command("--against", "baselines", "--json", "--quick").out)
    (attribute,) = figures["attributes"]
    strengths = {curve["competitor"]: [p["strength"] for p in curve["points"]] for curve in attribute["curves"]}
    assert strengths == {
        "attribute": [0.7, 1.0, 1.3],
        "target-prompt": [1.0],
        "prompt-switch": [0.5, 0.8, 0.9],
        "interpolation": [0.5, 1.0],
        "latent-blend": [0.5, 1.0],
        "random-z": [0.7, 1.0, 1.3],
        "s_z": [0.5, 1.0],
    }
    point = attribute["curves"][0]["points"][1]
    assert {"success", "effect", "perceptual", "clip_score", "clip_direction"} <= point["figures"].keys()
    assert point["distances"].keys() == {"fid", "kid"}
    costs = [curve["points"][0]["unet_evaluations"] for curve in attribute["curves"][:2]]
    assert costs == [2 * 5 + 2, 2 * 5]  # guidance asks twice in each of five steps; Φ looks once at what it edits
    assert Figures.model_validate(figures).protocol.hash == figures["protocol"]["hash"]


def test_a_report_stands_alone_and_shows_every_strength(command, tmp_path: Path):
    command("--against", "target-prompt", "--strengths", "0.5,1", "--out", str(tmp_path / "out"))
    page = (tmp_path / "out" / "report.html").read_text()
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert "<svg" in page
    assert page.count('<img src="data:image/jpeg;base64,') == (1 + 2) + (1 + 1)
    assert Figures.model_validate_json((tmp_path / "out" / "figures.json").read_text()).attributes[0].name == "old"


def test_a_stopped_evaluation_goes_on_where_it_was(command, networks, tmp_path: Path):
    out = tmp_path / "out"
    command("--against", "none", "--strengths", "0.5,1", "--out", str(out))
    lines = (out / FILE).read_text().splitlines()
    (out / FILE).write_text("\n".join(lines[:-1]) + "\n")
    networks.looked = 0
    command("--against", "none", "--strengths", "0.5,1", "--out", str(out))
    assert networks.looked == 2 * 3  # the unedited pictures, and the cell that was lost
    again = [json.loads(line) for line in (out / FILE).read_text().splitlines()]
    before = [json.loads(line) for line in lines]
    assert [cell | {"seconds": 0} for cell in again] == [cell | {"seconds": 0} for cell in before]


def test_a_folder_of_another_evaluation_is_refused(command, tmp_path: Path):
    out = tmp_path / "out"
    command("--against", "none", "--strengths", "1", "--out", str(out))
    before = (out / FILE).read_bytes()
    err = command("--against", "none", "--guidance-scale", "2", "--out", str(out), code=4).err
    assert "another way" in err
    assert (out / FILE).read_bytes() == before


def test_a_damaged_folder_is_not_believed(command, tmp_path: Path):
    out = tmp_path / "out"
    command("--against", "none", "--strengths", "1", "--out", str(out))
    (out / FILE).write_text((out / FILE).read_text() + "nonsense\n")
    assert "cannot be read" in command("--against", "none", "--strengths", "1", "--out", str(out), code=7).err


def test_a_registered_metric_is_taken_as_well(command):
    figures = json.loads(command("--against", "none", "--strengths", "0,1", "--metric", "change", "--json").out)
    nothing, full = figures["attributes"][0]["curves"][0]["points"]
    assert nothing["figures"]["change"]["value"] == pytest.approx(0, abs=1e-6)
    assert full["figures"]["change"]["value"] > 0


def test_what_fails_is_named_and_the_rest_is_measured(command, monkeypatch: pytest.MonkeyPatch):
    def fail(*arguments: Any) -> None:
        raise NumericError("The latent is not finite.")

    monkeypatch.setattr(Interpolation, "latents", fail)
    captured = command("--against", "interpolation,target-prompt", "--quick", "--json", code=11)
    assert "interpolation on old: The latent is not finite." in captured.err
    names = [curve["competitor"] for curve in json.loads(captured.out)["attributes"][0]["curves"]]
    assert names == ["attribute", "target-prompt"]


def test_a_card_keeps_what_was_found(command, stocked: Path):
    figures = Figures.model_validate_json(command("--against", "none", "--strengths", "0.5,1", "--card", "--json").out)
    bank = Bank(stocked)
    card = bank.measurements.card(bank.resolve("old"))
    assert card is not None
    assert card.protocol.hash == figures.protocol.hash
    (curve,) = figures.attributes[0].curves
    assert (card.full, card.matched) == (curve.points[1].figures, curve.matched)
    assert bank.resolve("old").score == curve.points[1].figures["success"].value


def test_the_split_is_enforced(command):
    assert "Tuning seeds" in command("--split", "tune", code=4).err


def test_seeds_that_were_learned_from_are_refused(learned: LearnedAttribute, stocked: Path, networks):
    record = learned.record.model_copy(update={"name": "old-seen", "seeds": (10_001,)})
    Bank(stocked).add(encode(LearnedAttribute(record, learned.tensors)))
    assert run(["eval", "old-seen", *COMMON, "--bank", str(stocked)]) == 4


def test_a_model_whose_truth_nobody_knows_needs_a_judge(stocked: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["eval", "old", "--seeds", "10000", "--bank", str(stocked)]) == 4
    assert "--judge" in capsys.readouterr().err


def test_the_table_has_a_row_for_each_competitor(command):
    lines = command("--against", "target-prompt", "--strengths", "1").out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["old", "attribute"], ["old", "target-prompt"]]


def test_others_flip_only_when_there_are_others(learned: LearnedAttribute, stocked: Path, networks):
    record = learned.record.model_copy(update={"name": "old-too"})
    Bank(stocked).add(encode(LearnedAttribute(record, learned.tensors)))
    request = EvalRequest(
        references=("old", "old-too"),
        seeds=(10_000, 10_001),
        against=("none",),
        strengths=(1.0,),
        steps=5,
        judge="clip:weights",
        bank=stocked,
    )
    for attribute in evaluate(request).figures.attributes:
        assert "flips" in attribute.curves[0].points[0].figures


def _unhurried(figures: dict[str, Any]) -> dict[str, Any]:
    """Figures without the seconds that they took."""
    return json.loads(re.sub(r'"seconds": [^,}]+', '"seconds": 0', json.dumps(figures)))


def test_workers_measure_the_same_and_the_client_measures_nothing_again(command, monkeypatch: pytest.MonkeyPatch):
    asked = ("--against", "target-prompt,latent-blend,random-z", "--strengths", "0.5,1", "--json")
    alone = json.loads(command(*asked).out)
    monkeypatch.setattr("attrbank.evaluation.bench.runner.strip", _only_in("bench/elsewhere.py", strip))
    assert _unhurried(json.loads(command(*asked, "--on", "here").out)) == _unhurried(alone)


def _only_in(file: str, function):
    """The function, for callers below that file alone."""

    def guarded(*arguments):
        frames = [frame.filename for frame in traceback.extract_stack()]
        assert any(name.endswith(file) for name in frames), "measured by the client"
        return function(*arguments)

    return guarded


def test_a_worker_that_measures_otherwise_is_refused(stocked: Path, networks):
    request = EvalRequest(references=("old",), seeds=(10_000, 10_001), steps=5, judge="clip:weights", bank=stocked)
    setting = set_up(request)
    other = replace(setting, protocol=setting.protocol.model_copy(update={"steps": 6}))
    with pytest.raises(IncompatibleError, match="measure otherwise"):
        Work(elsewhere.packed(request, other))


def test_all_methods_take_part_and_those_left_out_are_named_with_a_reason(
    command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(load_plugins(), "_registry", _with(load_plugins(), "method", "rude", Rude))
    monkeypatch.setattr("attrbank.methods.distilling.STEPS", 2)
    asked = ("--against", "methods", "--quick", "--json", "--out", str(tmp_path / "out"))
    found = json.loads(command(*asked).out)["attributes"][0]
    curves = {curve["competitor"]: curve for curve in found["curves"]}
    assert {"method:text/mean", "method:text/distil"} <= curves.keys()
    assert found["left_out"]["method:rude"] == "I do not like this pair."
    assert curves["method:text/mean"]["learning"]["seeds"] == 6
    assert curves["method:text/distil"]["learning"]["evaluations"] > 0
    again = json.loads(command(*asked).out)["attributes"][0]
    assert again["curves"] == found["curves"]


class Rude(Method):
    name = "rude"

    def check(self, spec, model) -> None:
        raise InvalidValueError("I do not like this pair.")


def _with(manager, kind, name, made):
    """What is registered, and built in, and one thing more."""
    own = {n: each for n, each in manager._registry[kind].items() if each.plugin.built_in}
    spec = Spec(name, "For a test.", target=f"{made.__module__}:{made.__name__}")
    return {**manager._registry, kind: {**own, name: Registration(spec, next(iter(own.values())).plugin)}}
