"""What the model itself would change in this picture, and where: a difference of two predictions at its own latent.

A mean difference lies where other pictures had the subject; this one lies where this picture has it. It also carries
whatever else the prompts differ in, thinly and everywhere: the mask keeps to the places where most of it lies.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from attrbank.avi.factors import full_precision, require_finite

PEAK = 0.98
"""The share of positions that are weaker than what the mask calls strong: a single position may be an accident."""
SHARPNESS = 2.0
"""The mask is the relative strength to this power. Measured in README.md: at equal success 2 changes less else than 1,
1 less than no mask."""


def own_difference(x0_source: Tensor, x0_target: Tensor) -> Tensor:
    """x̂0(x, target) − x̂0(x, source), kept where most of it lies.

    Shapes:
        x0_source, x0_target: (B, C, H, W), predicted from the same latents.
        returns: (B, C, H, W), at least float32.

    Raises:
        NumericError: the difference is not finite.
    """
    difference = require_finite(full_precision(x0_target) - full_precision(x0_source), "The difference at this picture")
    return difference * places(difference)


def places(difference: Tensor) -> Tensor:
    """How much of a difference lies where, between 0 and 1.

    Shapes:
        difference: (B, C, H, W).
        returns: (B, 1, H, W); zero where the difference is zero throughout.
    """
    energy = difference.square().sum(dim=1, keepdim=True)
    strength = functional.avg_pool2d(energy, 3, stride=1, padding=1, count_include_pad=False).sqrt()
    peak = torch.quantile(strength.flatten(1), PEAK, dim=1).view(-1, 1, 1, 1)
    return torch.where(peak > 0, strength / peak, 0.0).clamp(max=1.0) ** SHARPNESS
