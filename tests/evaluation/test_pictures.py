"""What the measurements of picture edits rest on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attrbank.artifact import encode
from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.editing import apply
from attrbank.evaluation.bench import act_of
from attrbank.evaluation.metrics import GOALS
from attrbank.evaluation.oracle_judge import OracleJudge
from attrbank.evaluation.pictures import against_truth, lacking
from attrbank.evaluation.retoucher import Retoucher
from attrbank.picture import to_image
from attrbank.requests import ApplyRequest
from attrbank.samplers.ddim import DDIM
from attrbank.store.bank import Bank


@pytest.mark.parametrize("inversion", ["ddim", "refined"])
def test_a_batch_is_edited_as_apply_edits_one_picture(inversion, backbone, learned, tmp_path: Path):
    images = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0)) / 255
    grid = DDIM().grid(backbone.defaults.steps, backbone.schedule)
    rows = torch.tensor([True, False, True])
    edited = Retoucher(backbone, images).edited(act_of(learned, grid, backbone.schedule, 1.0), inversion, rows)
    Bank(tmp_path / "bank").add(encode(learned))
    to_image(images[2]).save(tmp_path / "in.png")
    request = ApplyRequest(
        references=(("old", None),),
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
        found = against_truth(judge, name, render(people)[rows], truth, truth)
        assert found["success"]["value"] == 1
        assert found["perceptual"] > 0
        assert (found["perceptual_to_truth"], found["identity_to_truth"], found["psnr_to_truth"]) == (0, 0, 100)
