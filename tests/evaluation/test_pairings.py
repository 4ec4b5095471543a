"""What is said of attributes together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.cli.app import run
from attrbank.evaluation.bench.cells import Cell
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.bench.together import Combination
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.pairings import _group, _groups, _pair
from attrbank.schema.measured import Matrix
from attrbank.store.bank import Bank

A, B, C = "a" * 64, "b" * 64, "c" * 64


def _subject(identity: str, goal: str | None = None) -> Subject:
    return Subject(identity[0], identity, 1, None, "", goal)


class Told:
    """Stands for ``Together``, with readings by hand: for each order of ids, what is seen of each in four pictures."""

    def __init__(self, seen: Mapping[str, Mapping[str, str]], lacking: Mapping[str, str]) -> None:
        self._seen, self._lacking = seen, lacking

    def lacking(self, subject: Subject) -> Tensor:
        return torch.tensor([mark == "1" for mark in self._lacking[subject.id]])

    def cell(self, combination: Combination) -> Cell:
        readings = self._seen["".join(subject.label for subject in combination.subjects)]
        values = {identity: tuple(map(float, marks)) for identity, marks in readings.items()}
        return Cell(
            attribute="", competitor="", strength=1, values=values, distances={}, evaluations=0, seconds=0, strip=""
        )


def told(**changes: Any) -> Told:
    seen: dict[str, Mapping[str, str]] = {
        "a": {A: "1110"},
        "b": {B: "1111"},
        "ab": {A: "1000", B: "1011"},
        "ba": {A: "1000", B: "1111"},
    }
    return Told(seen | changes, {A: "1101", B: "0111"})


def test_gain_compares_the_same_pictures_that_lacked_the_attribute() -> None:
    pair = _pair(told(), Combination((_subject(A), _subject(B))))
    assert pair.pictures == 3
    assert pair.alone.value == pytest.approx(2 / 3)
    assert pair.together.value == pytest.approx(1 / 3)
    assert pair.gain.value == pytest.approx(-1 / 3)


def test_survival_asks_after_those_to_which_the_other_came_by_itself() -> None:
    pair = _pair(told(), Combination((_subject(A), _subject(B))))
    assert pair.survival is not None
    assert pair.survival.value == pytest.approx(2 / 3)  # B came to the last three, and the first of these lost it
    assert _pair(told(b={B: "1000"}), Combination((_subject(A), _subject(B)))).survival is None


def test_the_order_matters_in_the_pictures_that_read_otherwise_when_it_is_reversed() -> None:
    assert _pair(told(), Combination((_subject(A), _subject(B)))).order.value == 0.25


def test_a_group_succeeds_where_every_one_is_seen() -> None:
    group = _group(told(), Combination((_subject(A), _subject(B))))
    assert (group.success.value, group.pictures, group.perceptual) == (0.25, 4, None)


def test_groups_hold_nothing_that_excludes_one_another() -> None:
    goals = ("young", "old", "smile", "serious", "hat")
    subjects = [_subject(str(number) * 64, goal) for number, goal in enumerate(goals)]
    groups = list(_groups(subjects, 5, OracleJudge("tuner", renders=2).excludes))
    sizes = {len(group.subjects) for group in groups}
    assert sizes == {1, 2, 3}
    for group in groups:
        found = {subject.goal for subject in group.subjects}
        assert not {"young", "old"} <= found
        assert not {"smile", "serious"} <= found
    triples = [(group.rule, group.subjects) for group in groups if len(group.subjects) == 3]
    assert len(set(triples)) == len(triples)
    assert {rule for rule, _ in triples} == {"sequence", "sum", "root"}


@pytest.fixture
def two(learned: LearnedAttribute, stocked: Path) -> Path:
    record = learned.record.model_copy(update={"name": "man"})
    Bank(stocked).add(encode(LearnedAttribute(record, learned.tensors)))
    return stocked


COMMON = ("--seeds", "10000-10003", "--steps", "5", "--judge", "clip:weights")


def test_the_command_reports_and_keeps_the_matrix(two: Path, networks, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["matrix", "old", "man", *COMMON, "--bank", str(two)]
    assert run([*arguments, "--json", "--save"]) == 0
    found = Matrix.model_validate(json.loads(capsys.readouterr().out))
    ids = [Bank(two).resolve(name).id for name in ("old", "man")]
    assert [(pair.of, pair.given) for pair in found.pairs] == [tuple(ids), tuple(reversed(ids))]
    assert sorted(len(group.ids) for group in found.groups) == [1, 1, 2]
    assert set(Bank(two).measurements.pairs(ids)) == set(found.pairs)
    assert run(arguments) == 0
    header, first, *_ = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["ATTRIBUTE", "BESIDE", "PICTURES"]
    assert first.split()[:3] == ["old", "man", "4"]


def test_workers_measure_the_same_matrix(two: Path, networks, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for where in ((), ("--on", "here")):
        assert run(["matrix", "old", "man", *COMMON, "--bank", str(two), "--json", *where]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]


@pytest.mark.parametrize("references", [["old"], ["old", "man", "--split", "tune"]])
def test_what_cannot_be_measured_is_refused(references: list[str], two: Path, networks) -> None:
    assert run(["matrix", *references, *COMMON, "--bank", str(two)]) == 4
