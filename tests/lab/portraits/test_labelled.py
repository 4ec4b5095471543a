"""The labelled pictures are there, and what the shipped detector sees in those that it did not learn from."""

from __future__ import annotations

import pytest
import torch

from attrbank.evaluation.judges.oracle import load_damage
from lab.portraits.labelled import SHEETS, agreement, main, ranked


def test_the_shipped_detector_agrees_with_the_eye_about_pictures_that_it_did_not_learn_from(capsys):
    found = SHEETS[0].read()
    assert found.pictures.shape == (120, 3, 128, 128)
    assert found.damaged.sum() == 44
    held_out = found.some(found.held_out)
    assert len(held_out.pictures) == 60
    assert agreement(load_damage().sees(held_out.pictures), held_out.damaged).plain > 0.7
    main()
    assert "60 by an early denoiser, held out: agreement" in capsys.readouterr().out


def test_agreement_counts_both_kinds_of_mistake():
    seen, said = torch.tensor([True, True, False, False, False]), torch.tensor([True, False, True, False, False])
    assert agreement(seen, said) == pytest.approx((0.6, 1 / 2, 2 / 3, 7 / 12))
    assert ranked(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([True, False, True])) == 0.5
