"""Attribute vector integration: binds the mathematics of ``attrbank.avi`` to learning and editing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrbank.schema import AttributeRecord, Core

if TYPE_CHECKING:  # a plan asks a method what it costs, without torch
    from torch import Tensor

    from attrbank.methods.protocol import Edit, LearnContext, Learned


class Avi:
    """Vectors of the difference (the default), or the paper's."""

    name = "avi"
    learns_from_pictures = True

    def learn(self, context: LearnContext) -> Learned:
        """Learn with the vectors that the spec asks for."""
        from attrbank.methods import difference, paper

        learn = paper.learn if context.spec.vectors == "paper" else difference.learn
        return learn(context)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: Core | None = None) -> Edit:
        """Make a stored attribute ready."""
        from attrbank.methods import difference, paper

        if record.vectors == "paper":
            return paper.PaperEdit(record, tensors)
        return difference.edit(record, tensors, core or record.core or "mean")

    def evaluations(self, record: AttributeRecord, core: Core | None, steps_to_t_z: int) -> int:
        """Steps beyond plain generation: one or two more trajectories to T_z, or none."""
        if record.vectors == "paper":
            own_z = record.paper is not None and record.paper.z == "own"
            return steps_to_t_z if own_z else 0
        return 2 * (steps_to_t_z + 1) if (core or record.core) == "own" else 0
