"""The promises of a metric."""

from __future__ import annotations

import torch

from attrbank.contracts.base import Contract, require, require_finite
from attrbank.diffusion.protocols import Metric


class MetricContract(Contract):
    """Any metric."""

    def make(self) -> Metric:
        """The metric to test."""
        raise NotImplementedError

    def test_every_picture_gets_one_finite_figure(self) -> None:
        """Whether the edit changed something or not."""
        before, after = _pictures(1), _pictures(2)
        require_finite("the figures", self.subject(before, after), (len(before),))
        require_finite("the figures without a change", self.subject(before, before), (len(before),))

    def test_it_repeats_itself_and_leaves_the_pictures_alone(self) -> None:
        """Equal pictures give equal figures."""
        before, after = _pictures(1), _pictures(2)
        first, second = self.subject(before, after), self.subject(before, after)
        require(torch.equal(first, second), "two figures for the same pictures differ")
        untouched = torch.equal(before, _pictures(1)) and torch.equal(after, _pictures(2))
        require(untouched, "it changes the pictures that it is given")


def _pictures(seed: int) -> torch.Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
