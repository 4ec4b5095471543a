"""The method as attrbank sees it; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.plugin import AttributeRecord, InvalidValueError, LearnSpec, Method, bottleneck_of, require_interval

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Description, LearnContext, Learned, ModelEdit

CORES = ("mean", "distil")
T_X, DELTA_TAU = 1.0, -0.5
"""From the noise to the middle of the way, as published where no table of distances says otherwise."""

SEEDS = tuple(range(32))


class Asyrp(Method):
    """Δh: the mean over seeds of what the target prompt changes at the bottleneck, or a network's answer to h and t.

    It acts from T_x to T_z = T_x + Δτ. Artifacts that name no core are from when there was the mean alone.
    """

    name = "asyrp"
    options = frozenset({"core"})

    def learn(self, context: LearnContext) -> Learned:
        """As the core says; by default the mean."""
        from attrbank_asyrp import bottleneck, distilling

        return distilling.learn(context) if context.spec.core == "distil" else bottleneck.learn(context)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> ModelEdit:
        """Asymmetric steps with Δh until T_z."""
        from attrbank_asyrp.bottleneck import Steps
        from attrbank_asyrp.network import ChangeNet, OwnSteps

        if core not in (None, record.core):
            raise InvalidValueError(f"{record.name} has no core {core!r}.", hint="Leave --core out.")
        if record.core == "distil":
            return OwnSteps(ChangeNet.from_tensors(tensors), record.t_z)
        return Steps(tensors["changes"], tuple(tensors["timesteps"].tolist()), record.t_z)

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """From the noise to the middle; 32 seeds."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        if given.get("core") not in (None, *CORES):
            raise InvalidValueError(
                f"Asyrp has no core {given['core']!r}.", hint="It has distil, and mean, the default."
            )
        seeds = SEEDS if pairs <= len(SEEDS) else tuple(range(pairs))
        return {"seeds": seeds, **fields, "t_x": T_X, "delta_tau": DELTA_TAU, **given}

    def check(self, spec: LearnSpec, model: Description) -> None:
        """The model must have a bottleneck, and the interval a length."""
        bottleneck_of(model, f"The method {self.name!r}")
        require_interval(spec)
