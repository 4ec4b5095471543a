"""``attrbank eval`` with the oracle and the renderer's limit, on the shipped model in few steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attrbank.cli.app import run


def test_a_starter_attribute_is_judged_by_the_oracle_beside_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--split", "tune", "--seeds", "1000-1003", "--steps", "8", "--strengths", "1", "--json"]
    assert run(["eval", "glasses", "--against", "target-prompt", *options, "--bank", str(tmp_path / "bank")]) == 0
    figures = json.loads(capsys.readouterr().out)
    (glasses,) = figures["attributes"]
    assert (figures["protocol"]["judge"], figures["protocol"]["prompt"]) == ("tuner", "a photo of a person")
    assert 1 <= glasses["pictures"] <= 4
    assert glasses["limit"]["success"] > 0.95
    assert glasses["limit"]["flips"] < 0.02
    edit, target = (curve["points"][0] for curve in glasses["curves"])
    assert edit["figures"]["success"]["value"] >= 0.75
    assert target["figures"]["success"]["value"] == 1
    assert target["unet_evaluations"] == 16
    assert {"identity", "perceptual", "flips"} <= target["figures"].keys()
