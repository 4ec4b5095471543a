"""The method as attrbank sees it; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.plugin import AttributeRecord, InvalidValueError, LearnSpec, Method, Needs

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Description, Edit, LearnContext, Learned

T_X = 0.6
SEEDS = tuple(range(8))


class Loco(Method):
    """Directions of the latent that change a region, and little beside it.

    Of a region alone they are the strongest there, found at one picture, and nobody knows what they mean before they
    are seen. Of a region and a pair of prompts there is one in every picture, which leads to the target.
    """

    name = "loco"
    options = frozenset({"mask", "component", "components", "core"})

    def learn(self, context: LearnContext) -> Learned | tuple[Learned, ...]:
        """See ``learning``."""
        from attrbank_loco.learning import learn

        return learn(context)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> Edit:
        """The banked direction (``mean``), or this picture's own (``own``)."""
        from attrbank_loco.edit import Along, Pulled

        core = core or record.core
        if core not in self.cores(record):
            raise InvalidValueError(f"{record.name} has no core {core!r}.", hint="Leave --core out.")
        if core == "own":
            return Pulled(tensors["difference"], record.units["own"])
        return Along(record.units["mean"] * tensors["direction"])

    def direction(self, record: AttributeRecord, arrays: Mapping[str, Any]) -> Any:
        """The banked one (C, H, W)."""
        return record.units["mean"] * arrays["direction"].astype("f8")

    def needs(self, record: AttributeRecord, core: str | None, strength: float) -> Needs:
        """A look at the Jacobian, of the core that has its own direction."""
        return Needs(predictions=3) if core == "own" and strength else Needs()

    def cores(self, record: AttributeRecord) -> tuple[Any, ...]:
        """Without a target there is no change that another picture could make its own."""
        return ("mean",) if _is_unnamed(record) else ("mean", "own")

    def core_without_network(self, record: AttributeRecord) -> Any:
        """The banked direction: pipelines of diffusers tell of no Jacobian."""
        return "mean"

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """At .6 of the time, where the paper finds x̂0 most nearly linear; eight seeds."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        seeds = SEEDS if pairs <= len(SEEDS) else tuple(range(pairs))
        return {"seeds": seeds, **fields, "t_x": given.get("t_x", T_X), "delta_tau": given.get("delta_tau", 0.0)}

    def check(self, spec: LearnSpec, model: Description) -> None:
        """Without a target there is nothing of another picture's own, and with it no components; nor other cores."""
        unnamed = any(pair.source == pair.target for pair in spec.pairs)
        if spec.core not in (None, "mean", "own") or (spec.core == "own" and unnamed):
            hint = "Leave --core out, or give a --target."
            raise InvalidValueError(f"There is no core {spec.core!r} of this.", hint)
        if not unnamed and (spec.component, spec.components) != (1, 1):
            raise InvalidValueError("Towards a target there is one direction, and no other component.", "Leave it out.")


def _is_unnamed(record: AttributeRecord) -> bool:
    return any(pair.source == pair.target for pair in record.pairs)
