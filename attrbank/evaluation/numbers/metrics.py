"""The built-in metrics: figures for what an edit did to a picture, whatever the attribute (``protocols.Metric``)."""

from __future__ import annotations

from torch import Tensor

from attrbank.evaluation.judges import oracle
from attrbank.evaluation.judges.readings import look_at, perceptual_distance

SMALLEST_ERROR = 1e-10
"""Stands for no error at all, of which PSNR makes infinity; so it ends at 100 dB."""


class Change:
    """Mean absolute change of the pixels, 0 to 1."""

    def __call__(self, before: Tensor, after: Tensor) -> Tensor:
        """Shapes: before, after: (B, 3, h, w) in [0, 1]; returns: (B,)."""
        return (after - before).abs().mean((1, 2, 3))


class Psnr:
    """Peak signal-to-noise ratio in dB, the unedited picture being the signal; 100 for no change."""

    def __call__(self, before: Tensor, after: Tensor) -> Tensor:
        """Shapes: before, after: (B, 3, h, w) in [0, 1]; returns: (B,)."""
        return -10 * (after - before).square().mean((1, 2, 3)).clamp_min(SMALLEST_ERROR).log10()


class OraclePerceptual:
    """Perceptual distance in the judge's features (docs/method.md 7), which know portraits alone."""

    def __init__(self) -> None:
        self._judge = oracle.load("judge")

    def __call__(self, before: Tensor, after: Tensor) -> Tensor:
        """Shapes: before, after: (B, 3, h, w) in [0, 1]; returns: (B,)."""
        return perceptual_distance(look_at(self._judge, before), look_at(self._judge, after))
