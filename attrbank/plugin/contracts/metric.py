"""The promises of a metric."""

from __future__ import annotations

import torch

from attrbank.diffusion.protocols import Metric
from attrbank.plugin.contracts.base import Contract, require, require_close, require_finite


class MetricContract(Contract):
    """What evaluations rely on: one finite figure a picture, the same each time, whatever the batch and the size."""

    def make(self) -> Metric:
        """A new metric to test, as its registered target makes it."""
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

    def test_a_batch_is_its_rows(self) -> None:
        """No picture's figure knows of the others."""
        before, after = _pictures(1), _pictures(2)
        rows = [self.subject(before[row : row + 1], after[row : row + 1]) for row in range(len(before))]
        require_close("a batch and its rows", self.subject(before, after), torch.cat(rows), 1e-4)

    def test_it_takes_pictures_of_any_size(self) -> None:
        """Backbones decode to what they like, and not always to squares."""
        require_finite("the figures", self.subject(_pictures(1, 48, 64), _pictures(2, 48, 64)), (3,))


def _pictures(seed: int, height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.rand(3, 3, height, width, generator=torch.Generator().manual_seed(seed))
