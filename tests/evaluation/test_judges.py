"""Who judges, and what comes of it: the backbone's own judge, another plugin's, CLIP, and the model itself."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attrbank.cli.app import run
from attrbank.evaluation.numbers.results import Figures
from attrbank.store.bank import Bank
from tests.helpers.small_clip import build_clip
from tests.helpers.toy_truth import install_toy

Command = Callable[..., Any]
LOOK = ("--seeds", "10000-10005", "--against", "target-prompt", "--strengths", "1")


@pytest.fixture(scope="module")
def learned_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test leaves its bank for the others."""
    return tmp_path_factory.mktemp("toy") / "bank"


@pytest.fixture
def command(
    on_path: Path,
    learned_once: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command line where the toy and its judges are installed, and *old* and *hat* were learned on it."""
    install_toy(on_path)
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)

    def invoke(*arguments: str, code: int = 0, bank: Path = tmp_path / "bank") -> Any:
        found = run([*arguments, "--bank", str(bank)])
        captured = capsys.readouterr()
        assert found == code, captured.err
        return captured

    if not learned_once.exists():
        for name, target in (("old", "a photo of an old person"), ("hat", "a photo of a hat")):
            pair = ("--source", "a photo of a person", "--target", target)
            invoke("learn", name, "--backbone", "toy", *pair, "--seeds", "0-3", bank=learned_once)
    shutil.copytree(learned_once, tmp_path / "bank")
    return invoke


def header(out: str) -> list[str]:
    return out.splitlines()[0].split()


@pytest.mark.parametrize("asked", [(), ("--judge", "oracle")])
def test_a_backbone_is_judged_by_the_judge_that_its_plugin_brings(asked: tuple[str, ...], command: Command) -> None:
    found = Figures.model_validate_json(command("eval", "old", *LOOK, *asked, "--json").out)
    assert (found.protocol.judge, found.protocol.judge_weights) == ("truth", "none")
    (old,) = found.attributes
    target = old.curve("target-prompt")
    assert target is not None
    assert target.points[0].figures["success"].value == 1
    assert old.limit == {"success": 1.0, "damage": 0.0}


@pytest.mark.parametrize(("split", "seeds"), [("tune", "1000-1003"), ("judge", "10000-10003")])
def test_the_judge_is_told_whose_seeds_it_looks_at(
    split: str, seeds: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = importlib.import_module("attrbank_toy_judges").Truth
    told, look = set(), truth.look
    monkeypatch.setattr(truth, "look", lambda self, images: told.add(self.split) or look(self, images))
    command("eval", "old", "--seeds", seeds, "--split", split, "--against", "none", "--strengths", "1")
    assert told == {split}


def test_damage_and_diversity_stand_beside_success_where_the_judge_can_tell(command: Command, tmp_path: Path) -> None:
    printed = command("eval", "old", *LOOK, "--out", str(tmp_path / "out"))
    columns = header(printed.out)
    assert columns[3:5] == ["SUCCESS", "DAMAGE"]
    assert "DIVERSITY" in columns
    figures = Figures.model_validate_json((tmp_path / "out" / "figures.json").read_text())
    points = [point for curve in figures.attributes[0].curves for point in curve.points]
    damage = points[-1].figures["damage"]
    assert 0 <= damage.low <= damage.value <= damage.high <= 1  # a share has Wilson's interval
    assert damage.low < damage.high
    assert all(point.distances["diversity"] > 0 for point in points)
    assert figures.attributes[0].unedited.keys() == {"damage", "diversity"}
    assert figures.attributes[0].unedited["diversity"] == 1
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Damaged before any edit: 0.0" in page
    assert "damage ↓</th>" in page
    assert re.search(r"<th[^>]*>diversity [↑↓]?</th>", page)
    assert "damaged pictures" in page


@pytest.mark.parametrize("judge", ["self", "brightness"])
def test_a_judge_that_cannot_tell_has_no_column_for_it(judge: str, command: Command, tmp_path: Path) -> None:
    printed = command("eval", "old", *LOOK, "--judge", judge, "--out", str(tmp_path / "out"))
    assert not {"DAMAGE", "DIVERSITY", "FID", "KID"} & set(header(printed.out))
    page = (tmp_path / "out" / "report.html").read_text()
    assert "damage" not in page.lower()
    assert json.loads((tmp_path / "out" / "figures.json").read_text())["protocol"]["judge"] == judge


def test_flips_are_the_other_attributes_as_the_judge_sees_them(command: Command) -> None:
    found = Figures.model_validate_json(command("eval", "old", "hat", *LOOK, "--json").out)
    curves = [attribute.curve("target-prompt") for attribute in found.attributes]
    assert [curve is not None and "flips" in curve.points[0].figures for curve in curves] == [True, True]


def test_clip_judges_with_a_folder_of_the_users(command: Command, tiny_pipeline: Path, tmp_path: Path) -> None:
    folder = build_clip(tmp_path / "small", tiny_pipeline / "tokenizer")
    found = Figures.model_validate_json(command("eval", "old", *LOOK, "--judge", f"clip:{folder}", "--json").out)
    assert found.protocol.judge == "clip"
    figures = found.attributes[0].curves[0].points[0].figures
    assert {"success", "effect", "clip_score", "clip_direction"} == figures.keys()


def test_damage_of_several_attributes_at_once_is_told(command: Command) -> None:
    pictures = ("--seeds", "10000-10003")
    groups = json.loads(command("matrix", "old", "hat", *pictures, "--json").out)["groups"]
    assert all(group["damage"] is not None for group in groups)
    assert "DAMAGE" in command("matrix", "old", "hat", *pictures).out
    assert "DAMAGE" not in command("matrix", "old", "hat", *pictures, "--judge", "self").out


@pytest.mark.parametrize(
    ("judge", "code", "says"),
    [
        ("nobody", 3, "oracle, clip, self, brightness"),
        ("clip", 4, "--judge clip:"),
        ("self:x", 4, "no argument"),
        ("clip:nowhere", 3, "nowhere"),
    ],
)
def test_a_judge_that_is_not_there_is_told_so(judge: str, code: int, says: str, command: Command) -> None:
    assert says in command("eval", "old", *LOOK, "--judge", judge, code=code).err


def test_what_the_judge_cannot_see_is_refused_and_a_goal_helps(command: Command, tmp_path: Path) -> None:
    bank = Bank(tmp_path / "bank")
    command("learn", "aged", "--backbone", "toy", "--source", "x", "--target", "a photo of an old person")
    assert "--goal" in command("eval", "aged", *LOOK, code=4).err
    command("eval", "aged", *LOOK, "--goal", "old")
    command("eval", "aged", *LOOK, "--judge", "self")
    assert bank.resolve("aged")


def test_the_old_option_says_what_it_is_called_now(command: Command) -> None:
    assert "--judge clip:DIR" in command("eval", "old", "--weights", "DIR", code=2).err


def test_backbones_with_a_judge_of_their_own_are_listed_so(command: Command, capsys) -> None:
    backbones = {row["name"]: row["capabilities"] for row in json.loads(command("backbones", "--json").out)}
    assert {name for name, capabilities in backbones.items() if "oracle" in capabilities} == {"portraits", "toy"}
    judges = [row["name"] for row in json.loads(command("judges", "--json").out)]
    assert judges == ["oracle", "clip", "self", "brightness"]
