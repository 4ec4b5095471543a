"""What the measurements of picture edits rest on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from attrbank.attribute.artifact import encode
from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.editing.acting import ready
from attrbank.editing.choices import REFINEMENTS
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.judges.readings import GOALS
from attrbank.names import Asked
from attrbank.pictures.sheet import TILE, to_image
from attrbank.samplers.ddim import DDIM
from attrbank.store.bank import Bank
from lab.figures import pictures
from lab.figures.pictures import CODED, against_truth, edit_table, lacking, round_trip_table
from lab.figures.retoucher import Retoucher


@pytest.mark.parametrize("inversion", ["ddim", "refined"])
def test_a_batch_is_edited_as_apply_edits_one_picture(inversion, backbone, learned, tmp_path: Path):
    images = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0)) / 255
    grid = DDIM().grid(backbone.defaults.steps, backbone.schedule)
    rows = torch.tensor([True, False, True])
    edited = Retoucher(backbone, images).edited(ready(learned, 1.0).on(grid, backbone.schedule), inversion, rows)
    Bank(tmp_path / "bank").add(encode(learned))
    to_image(images[2]).save(tmp_path / "in.png")
    request = ApplyRequest(
        references=(Asked("old"),),
        image=tmp_path / "in.png",
        inversion=inversion,
        output=tmp_path / "out.png",
        bank=tmp_path / "bank",
        backbone=backbone.name,
    )
    torch.testing.assert_close(apply(request).after, edited[1], atol=1e-3, rtol=1e-2)


def test_the_renderers_own_edit_is_the_truth_to_the_judge():
    people, judge = draw(24, 10_000), OracleJudge("judge", renders=2)
    for name in GOALS:
        rows, truth = lacking(people, name)
        before = render(people)[rows]
        perfect, untouched = (against_truth(judge, name, before, after, truth) for after in (truth, before))
        assert (perfect["identity"], perfect["perceptual"], perfect["psnr"]) == (0, 0, 100)
        assert perfect["success"]["value"] > 0.75  # a hat hides who is bald
        assert untouched["success"]["value"] < 0.15
        assert untouched["flips"] == 0
        assert untouched["perceptual"] > 0


def test_one_run_measures_draws_and_prints_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "PAIRS", ("hat",))
    monkeypatch.setattr(pictures, "ROUND_TRIPS", ((0.1, 1.0),))
    monkeypatch.setattr(pictures, "SHOWN", ("hat",))
    monkeypatch.setattr(pictures, "SHOWN_ROWS", 2)
    app = typer.Typer()
    app.command()(pictures.main)
    options = ["--count", "3", "--out", str(tmp_path / "p.json"), "--picture", str(tmp_path / "p.png")]
    finished = CliRunner().invoke(app, options)
    assert finished.exit_code == 0, finished.output
    figures = json.loads((tmp_path / "p.json").read_text())
    assert finished.stdout == f"{round_trip_table(figures)}\n\n{edit_table(figures)}\n"
    for row in figures["round_trips"]:  # nothing returns better than the autoencoder lets it
        assert 20 < row["psnr"] < row["autoencoder"] + 0.5
    methods = figures["attributes"]["hat"]["methods"]
    for inversion in REFINEMENTS:
        assert methods[CODED]["perceptual"] < methods[inversion]["perceptual"]  # another hat is as far off as none
    with Image.open(tmp_path / "p.png") as sheet:
        assert sheet.height > 2 * TILE
