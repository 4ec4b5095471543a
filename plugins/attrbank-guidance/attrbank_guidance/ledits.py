"""Guidance within the implicit mask of LEDITS++ (Brack et al., arXiv 2311.16711), without its inversion.

Published is that mask within another, of the words' cross-attention, which is left out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from attrbank_guidance.along import AlongPairs, Pairs, difference, plus, times

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Guide, GuideInputs, Prediction


class Parameters(BaseModel):
    """What may be set.

    Attributes:
        scale: of the difference at strength 1, in units of the run's guidance scale; published is 5, whatever that is.
        quantile: of the latent's cells, those below this one are left alone.
    """

    scale: float = Field(1.0, gt=0, le=20)
    quantile: float = Field(0.9, ge=0, lt=1)


class Ledits(AlongPairs[Parameters]):
    """The difference where it is largest, all channels together."""

    name = "ledits"
    begins = 0.85

    def guide(self, pairs: Pairs, strength: float) -> Guide:
        """Adds the difference where it is largest at this step."""
        own = self.parameters

        def guide(prediction: Prediction, inputs: GuideInputs) -> Prediction:
            change = difference(inputs, pairs)
            size = strength * own.scale * inputs.guidance_scale
            return plus(prediction, times(change, size * where_largest(change.eps, own.quantile)))

        return guide


def where_largest(values: Tensor, quantile: float) -> Tensor:
    """Ones in the cells (B, 1, H, W) whose sum of sizes over the channels is at least that quantile of all cells'."""
    sizes = values.abs().sum(1, keepdim=True)
    least = sizes.flatten(1).quantile(quantile, dim=1)
    return (sizes >= least[:, None, None, None]).to(values.dtype)
