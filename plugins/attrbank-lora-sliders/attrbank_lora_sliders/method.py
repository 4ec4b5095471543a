"""The method as attrbank sees it; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.plugin import (
    AttributeRecord,
    CorruptArtifactError,
    LearnSpec,
    Method,
    When,
    moved_interval,
    network_of,
    require_interval,
)
from attrbank_lora_sliders.parameters import Parameters

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Description, LearnContext, Learned, ModelEdit, Schedule

T_X = 0.8
"""The late start that keeps the layout: published are 750 to 800 of 1000 steps."""

SEEDS = tuple(range(32))
FACTORS = "factors"


class LoraSliders(Method):
    """Low-rank changes of the network's weights, in force from T_x to T_z = T_x + Δτ.

    Args:
        parameters: what the user has set.
    """

    name = "lora-sliders"
    options = frozenset[str]()

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

    def moved(self, record: AttributeRecord, core: str | None, when: When, schedule: Schedule) -> AttributeRecord:
        """Another interval; a single time is where it begins.

        Raises:
            InvalidValueError: it would begin where it ends.
        """
        return moved_interval(record, when, schedule)

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """From the late start to the clean end; 32 seeds."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        begins = given.get("t_x", T_X)
        seeds = SEEDS if pairs <= len(SEEDS) else tuple(range(pairs))
        return {"seeds": seeds, **fields, "t_x": begins, "delta_tau": given.get("delta_tau", -begins)}

    def check(self, spec: LearnSpec, model: Description) -> None:
        """The model's network must be exchangeable, and the interval have a length."""
        network_of(model, f"The method {self.name!r}")
        require_interval(spec)
