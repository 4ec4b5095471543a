"""The free slider: neutral + s (positive − negative), after FreeSliders (arXiv 2511.00103)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from attrbank_guidance.along import AlongPairs, Pairs, difference, plus, times

if TYPE_CHECKING:
    from attrbank.plugin import Guide, GuideInputs, Prediction


class Parameters(BaseModel):
    """What may be set.

    Attributes:
        scale: of the difference at strength 1, in units of the run's guidance scale. At 1, and if the source is the
            picture's own prompt, strength 1 is that prompt exchanged for the target.
    """

    scale: float = Field(1.0, gt=0, le=20)


class FreeSlider(AlongPairs[Parameters]):
    """All of the difference, late enough that the layout stays."""

    name = "free-slider"
    begins = 0.7

    def guide(self, pairs: Pairs, strength: float) -> Guide:
        """Adds s · scale · guidance scale · (positive − negative)."""
        size = strength * self.parameters.scale

        def guide(prediction: Prediction, inputs: GuideInputs) -> Prediction:
            return plus(prediction, times(difference(inputs, pairs), size * inputs.guidance_scale))

        return guide
