"""Text directions: a vector that is added to what the text encoders make of the subject's word (docs/method.md 8).

After Baumann et al. (arXiv 2403.17064), whose published vectors ``learning/attribute_control.py`` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.diffusion.spelling import token_spans_of
from attrbank.errors import InvalidValueError
from attrbank.methods.needs import Needs
from attrbank.methods.protocol import Method
from attrbank.schema.asked import LearnSpec
from attrbank.schema.choices import Core, Preset
from attrbank.schema.fields import Part
from attrbank.schema.stored import AttributeRecord

if TYPE_CHECKING:  # a plan asks a method what it needs, without torch
    from numpy.typing import NDArray
    from torch import Tensor

    from attrbank.diffusion.protocols import Description
    from attrbank.methods.protocol import LearnContext, Learned, PromptEdit

CORES: tuple[Core, ...] = ("mean", "distil")
T_X = 0.8
"""The layout is there by then, as published."""

SEEDS = tuple(range(16))


class Text(Method):
    """Two learners of one vector for each text encoder: the mean difference of their outputs, or a distilled one."""

    name = "text"
    options = frozenset({"core", "on"})

    def learn(self, context: LearnContext) -> Learned:
        """Learn as the core says; by default distilled."""
        from attrbank.methods import distilling

        return distilling.learn(context)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: Core | None = None) -> PromptEdit:
        """Make a stored direction ready."""
        from attrbank.methods import directions

        if core not in (None, record.core):
            raise InvalidValueError(f"{record.name} has no core {core!r}.", hint="Leave --core out.")
        return directions.DirectionEdit(directions.checked(record, tensors))

    def needs(self, record: AttributeRecord, core: Core | None, strength: float) -> Needs:
        """Its words, and no evaluation."""
        return Needs(words=record.words)

    def parts(self, record: AttributeRecord, core: Core | None) -> tuple[Part, ...]:
        """The text encoders."""
        return ("text",)

    def direction(self, record: AttributeRecord, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any] | None:
        """Its vectors, those of all encoders one behind the other."""
        import numpy as np

        return np.concatenate([arrays[name].astype("f8") for name in sorted(arrays)])

    def needs_its_network(self, record: AttributeRecord) -> bool:
        """It fits every model with the same text encoders."""
        return False

    def core_without_network(self, record: AttributeRecord) -> Core | None:
        """Its only one."""
        return record.core

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Preset | None) -> dict[str, Any]:
        """From .8 of the time on; 16 seeds are enough for one vector."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        if given.get("core") not in (None, *CORES):
            raise InvalidValueError(
                f"A text direction has no core {given['core']!r}.", hint="It has mean and distil, the default."
            )
        seeds = SEEDS if pairs <= len(SEEDS) else tuple(range(pairs))
        return {"seeds": seeds, **fields, "t_x": T_X, "delta_tau": 0.0, **given}

    def check(self, spec: LearnSpec, model: Description) -> None:
        """The model must tell where words stand."""
        token_spans_of(model, spec.pairs[0].source, f"The method {self.name!r}")
