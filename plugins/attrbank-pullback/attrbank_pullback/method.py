"""The method as attrbank sees it; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.plugin import AttributeRecord, InvalidValueError, LearnSpec, Method, Needs, bottleneck_of
from attrbank_pullback.parameters import ITERATIONS, Parameters

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Description, Edit, LearnContext, Learned

T_X = 0.6
SEEDS = tuple(range(4))

PULL, PUSH = 3, 2
"""Rows of the network for a product with the Jacobian of the bottleneck."""


class Pullback(Method):
    """What moves a UNet's bottleneck most in many pictures, found without a target, and brought back by each picture.

    Args:
        parameters: as published by default.
    """

    name = "pullback"
    options = frozenset({"component", "components"})

    def __init__(self, parameters: Parameters | None = None) -> None:
        self._parameters = parameters or Parameters()

    def learn(self, context: LearnContext) -> Learned | tuple[Learned, ...]:
        """See ``learning``."""
        from attrbank_pullback.learning import learn

        return learn(context)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> Edit:
        """Steps along the banked direction, pulled back by each picture for itself."""
        from attrbank_pullback.edit import Steps

        asked = self._parameters
        return Steps(tensors["feature"], record.pairs[0].target, asked.repeats, asked.guidance, asked.transport)

    def needs(self, record: AttributeRecord, core: str | None, strength: float) -> Needs:
        """Two looks for every step, and products with the Jacobian to find the way; nothing of it is guided."""
        if not strength:
            return Needs()
        asked = self._parameters
        own_basis = asked.transport * ITERATIONS * (PULL + PUSH)
        return Needs(rows=2 * asked.repeats, features=PULL + own_basis)

    def parts(self, record: AttributeRecord, core: str | None) -> tuple[Any, ...]:
        """The text encoders: it asks under a prompt of its own."""
        return ("text",)

    def direction(self, record: AttributeRecord, arrays: Mapping[str, Any]) -> Any:
        """That of the bottleneck, (C', H', W')."""
        return arrays["feature"].astype("f8")

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """At .6 of the time, among those that the paper shows; four seeds."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        return {"seeds": SEEDS, **fields, "t_x": given.get("t_x", T_X), "delta_tau": given.get("delta_tau", 0.0)}

    def check(self, spec: LearnSpec, model: Description) -> None:
        """The model must have a bottleneck; and one prompt is all that it can be asked under."""
        bottleneck_of(model, f"The method {self.name!r}")
        if len(spec.pairs) > 1:
            raise InvalidValueError(f"The method {self.name!r} asks under one prompt.", "Give one --target.")
