"""The one command for the paper's Table 1, on a tiny pipeline and with injected feature extractors."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from attrbank.evaluation.numbers.results import Figures
from attrbank.learning.request import learn_spec
from lab.figures import table1


def test_the_table_has_every_attribute_and_method(
    tiny_pipeline: Path, networks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    monkeypatch.setattr("attrbank.evaluation.bench.relearned.learn_spec", partial(learn_spec, samples=8))  # not 5000
    app = typer.Typer()
    app.command()(table1.main)
    options = {
        "--weights": tmp_path,
        "--out": tmp_path / "out",
        "--backbone": tiny_pipeline,
        "--seeds": "10000-10002",
        "--learn-seeds": "0-3",
        "--steps": "4",
    }
    finished = CliRunner().invoke(app, [str(word) for pair in options.items() for word in pair])
    assert finished.exit_code == 0, finished.output
    rows = [line.split(" | ") for line in finished.output.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[1:]] == ["| female", "| male", "| old", "| young"]
    for row in rows[1:]:
        assert all(re.fullmatch(r"-?[\d.]+ / -?[\d.]+ / [\d.]+ / [\d.]+( \|)?", cell) for cell in row[1:]), row
    figures = Figures.model_validate_json((tmp_path / "out" / "figures.json").read_text())
    assert (figures.protocol.judge, figures.protocol.seeds) == ("clip", "10000-10002")
    assert (tmp_path / "out" / "report.html").exists()
