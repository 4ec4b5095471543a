"""The method as attrbank sees it; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.plugin import AttributeRecord, LearnSpec, Method, bottleneck_of, require_interval

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Description, LearnContext, Learned, ModelEdit

T_X, DELTA_TAU = 1.0, -0.5
"""From the noise to the middle of the way, as published where no table of distances says otherwise."""

SEEDS = tuple(range(32))


class Asyrp(Method):
    """Δh, the mean over seeds of what the target prompt changes at the bottleneck, for some times of the interval.

    It acts from T_x to T_z = T_x + Δτ.
    """

    name = "asyrp"
    options = frozenset[str]()

    def learn(self, context: LearnContext) -> Learned:
        """See ``bottleneck``."""
        from attrbank_asyrp.bottleneck import learn

        return learn(context)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> ModelEdit:
        """Asymmetric steps with Δh until T_z."""
        from attrbank_asyrp.bottleneck import Steps

        until = record.t_z
        return Steps(tensors["changes"], tuple(tensors["timesteps"].tolist()), until)

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """From the noise to the middle; 32 seeds."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        seeds = SEEDS if pairs <= len(SEEDS) else tuple(range(pairs))
        return {"seeds": seeds, **fields, "t_x": T_X, "delta_tau": DELTA_TAU, **given}

    def check(self, spec: LearnSpec, model: Description) -> None:
        """The model must have a bottleneck, and the interval a length."""
        bottleneck_of(model, f"The method {self.name!r}")
        require_interval(spec)
