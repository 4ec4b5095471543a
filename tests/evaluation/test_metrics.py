"""The built-in metrics keep their contract, and say what their names promise."""

from __future__ import annotations

import torch

from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.evaluation.numbers.metrics import Change, OraclePerceptual, Psnr
from attrbank.plugin.testing import MetricContract


class TestChange(MetricContract):
    def make(self) -> Change:
        return Change()


class TestPsnr(MetricContract):
    def make(self) -> Psnr:
        return Psnr()


class TestOraclePerceptual(MetricContract):
    def make(self) -> OraclePerceptual:
        return OraclePerceptual()


def test_a_tenth_of_the_range_is_twenty_decibels() -> None:
    grey = torch.full((2, 3, 16, 16), 0.5)
    torch.testing.assert_close(Change()(grey, grey + 0.1), torch.full((2,), 0.1))
    torch.testing.assert_close(Psnr()(grey, grey - 0.1), torch.full((2,), 20.0))
    assert Psnr()(grey, grey).tolist() == [100, 100]


def test_to_the_oracle_somebody_with_glasses_is_nearer_than_somebody_else() -> None:
    people, distance = draw(8, 5), OraclePerceptual()
    plain, glasses = (render(people.having("glasses", worn), 64) for worn in (0.0, 1.0))
    assert distance(plain, plain).tolist() == [0] * 8
    assert (distance(plain, glasses) > 0).all()
    assert (distance(plain, glasses) < distance(plain, plain.roll(1, dims=0))).all()
