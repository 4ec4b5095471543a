"""What has the last word on a prediction, once guidance has had its own: a guide, for as long as an edit acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from attrbank.diffusion.protocols import Prediction

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class GuideInputs:
    """What a guide may ask for about a step.

    Attributes:
        time: of the step, as a fraction of the training timesteps; 1 is noise.
        alpha_bar: of the latent.
        latent: (B, C, H, W), of all pictures that run together.
        guidance_scale: that the run multiplies what a prompt changes by; 1 where it does not, or where the network
            does so itself.
        under: what the model says about the latent under each of P prompts, without classifier-free guidance,
            (P, B, C, H, W) each; every prompt costs one row of the network for every picture.
    """

    time: float
    alpha_bar: float
    latent: Tensor
    guidance_scale: float
    under: Callable[[Sequence[str]], Prediction]


Guide: TypeAlias = Callable[[Prediction, GuideInputs], Prediction]
"""The prediction (B, C, H, W) that the step is made with, of the one that it would be made with."""
