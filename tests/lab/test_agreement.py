"""Judges against the truth: on answers by hand, and on a model whose truth a plugin brings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer import Typer
from typer.testing import CliRunner

from attrbank.cli.app import run
from lab.figures.agreement import STRENGTHS, agreement, main, table
from tests.helpers.toy_truth import install_toy


def test_agreement_tells_those_with_the_attribute_from_those_without() -> None:
    truth, said = torch.tensor([True, True, True, False]), torch.tensor([True, True, False, True])
    found = agreement(truth, said)
    assert [found[part]["value"] for part in ("all", "there", "absent")] == [0.5, pytest.approx(2 / 3), 0]
    assert agreement(truth[:3], said[:3])["absent"] is None
    figures = {"attributes": {"old": {"pictures": 4, "there": 3, "judges": {"self": found}}}}
    assert table(figures).splitlines()[-1].startswith("| old | 4 | 3 | 0.50 [")
    assert table(figures).endswith("(0.67 / 0.00) |")


def test_the_models_own_opinion_is_held_against_the_judge_of_its_plugin(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_toy(on_path)
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    bank = ("--bank", str(tmp_path / "bank"))
    pair = ("--source", "a photo of a person", "--target", "a photo of an old person")
    assert run(["learn", "old", "--backbone", "toy", *pair, "--seeds", "0-3", *bank]) == 0
    app = Typer()
    app.command()(main)
    out = tmp_path / "agreement.json"
    options = ["--backbone", "toy", "--seeds", "10000-10003", "--out", str(out), *bank]
    result = CliRunner().invoke(app, ["old", *options])
    assert result.exit_code == 0, result.exception
    old = json.loads(out.read_text())["attributes"]["old"]
    assert old["pictures"] == 4 * (2 + len(STRENGTHS))
    assert 0 < old["there"] < old["pictures"]
    assert list(old["judges"]) == ["self", "tuner"]
    assert old["judges"]["tuner"]["all"]["value"] == 1
    # The toy's truth is linear and its noise Gaussian, so that the better explanation is the truth.
    assert old["judges"]["self"]["all"]["value"] > 0.9
