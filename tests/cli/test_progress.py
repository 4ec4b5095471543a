"""Whoever waits is told how far it is, from the first second and without a terminal too."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from attrbank.cli import progress_bar as module
from attrbank.cli.progress_bar import Pace, progress_bar
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from tests.cli.conftest import Cli

PAIR = ("--source", "a photo of a person", "--target", "a photo of an old person")


class Clock:
    """Time that passes when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_says_the_share_done_and_the_time_left_at_the_pace_of_this_stage() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now += 3
    assert str(pace) == "starting: 3 s so far"
    pace("loading", 0, 1)
    clock.now += 12
    assert str(pace) == "loading: 12 s so far"
    pace("sampling", 10, 210)
    clock.now += 20
    assert str(pace) == "sampling: 20 s so far"
    pace("sampling", 60, 210)
    assert str(pace) == "sampling: 28 %, 1 min 0 s left"
    pace("sampling", 210, 210)
    assert str(pace) == "sampling: 100 %, 0 s left"
    pace("sampling", 1, 7)  # once more
    clock.now += 5
    assert str(pace) == "sampling: 5 s so far"


def test_without_a_terminal_there_are_lines_even_while_nothing_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.02)
    with progress_bar(lines=True) as report:
        report("loading", 0, 1)
        time.sleep(0.2)
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) >= 3
    assert set(told.err.splitlines()) == {"loading: 0 s so far"}
    time.sleep(0.1)
    assert capsys.readouterr().err == ""  # it is over


def test_lines_are_ten_seconds_apart_and_only_where_they_are_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.EVERY == 10
    monkeypatch.setattr(module, "EVERY", 0.01)
    with progress_bar() as report:
        report("loading", 0, 1)
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_a_learning_tells_of_loading_sampling_and_fitting(
    cli: Cli, tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.01)
    done = cli("learn", "old", *PAIR, "--backbone", str(tiny_pipeline), "--seeds", "0-7", "--steps", "20", "--json")
    assert done.code == 0, done.err
    stages = re.findall(r"^(.+): (?:\d+ %, (?:\d+ min )?\d+ s left|(?:\d+ min )?\d+ s so far)$", done.err, re.MULTILINE)
    assert {"loading", "sampling", "fitting"} <= set(stages)


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, 2 * 7 * 3),  # from 901 to 201 of 1000, both prompts, three seeds
        ({"branch": 0.5}, (2 * 7 - 4) * 3),  # once to 501
        ({"vectors": "paper"}, 2 * 4),  # to 501, one seed
    ],
    ids=str,
)
def test_every_step_is_told_and_their_number_is_right(
    options: dict[str, object], steps: int, tiny_pipeline: Path, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    spec = learn_spec("old", [PAIR[1]], [PAIR[3]], seeds=(0, 1, 2), steps=10, **options)
    learn(spec, backbone=str(tiny_pipeline), bank=tmp_path, force=True, on_progress=lambda *now: told.append(now))
    assert told[:2] == [("loading", 0, 1), ("loading", 1, 1)]
    sampled = [now[1:] for now in told if now[0] == "sampling"]
    assert sampled[-1] == (steps, steps)
    counts = [done for done, _ in sampled]
    rows = counts[0]
    assert counts == list(range(rows, steps + 1, rows))
