"""The method as attrbank sees it; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrbank.plugin import (
    AttributeRecord,
    CorruptArtifactError,
    LearnSpec,
    OverInterval,
    network_of,
)
from attrbank_lora_sliders.parameters import Parameters

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Description, LearnContext, Learned, ModelEdit

FACTORS = "factors"


class LoraSliders(OverInterval):
    """Low-rank changes of the network's weights, in force from T_x to T_z = T_x + Δτ.

    Args:
        parameters: what the user has set.
    """

    name = "lora-sliders"
    options = frozenset[str]()
    begins = 0.8  # the late start that keeps the layout: published are 750 to 800 of 1000 steps
    seeds = tuple(range(32))

    def __init__(self, parameters: Parameters | None = None) -> None:
        self._parameters = parameters or Parameters()

    def learn(self, context: LearnContext) -> Learned:
        """See ``training``."""
        from attrbank_lora_sliders.training import learn

        return learn(context, self._parameters)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> ModelEdit:
        """The network with these factors beside its weights.

        Raises:
            CorruptArtifactError: there are none.
        """
        from attrbank_lora_sliders.slider import Slider

        factors = tensors.get(FACTORS)
        if factors is None or factors.dim() != 1 or not factors.is_floating_point():
            raise CorruptArtifactError(f"{record.name} holds no factors of a slider, which are one row of numbers.")
        return Slider(factors, self._parameters.layers, self._parameters.rank, record.t_z)

    def check(self, spec: LearnSpec, model: Description) -> None:
        """The model's network must be exchangeable, and the interval have a length."""
        network_of(model, f"The method {self.name!r}")
        super().check(spec, model)
