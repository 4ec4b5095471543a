"""The one way from an artifact to the edit that acts: for ``apply``, for pipelines of diffusers, for evaluations."""

from __future__ import annotations

from dataclasses import dataclass

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.attribute.calibration import calibration_of, raw_strength
from attrbank.diffusion.schedule import Grid, Schedule, nearest_alpha_bar_index
from attrbank.editing.composition import Act
from attrbank.methods.protocol import Edit, ModelEdit
from attrbank.plugins.manager import load_plugins
from attrbank.schema.fields import Core
from attrbank.schema.stored import AttributeRecord


@dataclass(frozen=True, eq=False)
class Ready:
    """An attribute that can act, wherever its turn is.

    Attributes:
        record: what its artifact says.
        edit: what acts.
        strength: as the edit takes it.
    """

    record: AttributeRecord
    edit: Edit | ModelEdit
    strength: float

    def at(self, index: int) -> Act:
        """Its turn at a step of the grid."""
        return Act(index, self.edit, self.strength)

    def on(self, grid: Grid, schedule: Schedule) -> Act:
        """Its turn on a grid: at the step whose ᾱ is nearest to the one that it was learned at."""
        return self.at(nearest_alpha_bar_index(grid, schedule, self.record.resolved.alpha_bar_x))


def ready(attribute: LearnedAttribute, strength: float, core: Core | None = None, *, raw: bool = False) -> Ready:
    """Make an attribute ready to act.

    Args:
        attribute: tensors and all.
        strength: 1 is the full effect.
        core: None is the attribute's own.
        raw: take the strength as it is, whatever the attribute's calibration says.

    Raises:
        NotFoundError: the method that it was learned with is not installed.
        InvalidValueError: it cannot have this strength, or has no such core.
        CorruptArtifactError: a tensor is missing or of the wrong shape.
    """
    record, method = attribute.record, load_plugins().method_of(attribute.record)
    method.strengths(record).check(record.name, strength)
    calibration = None if raw else calibration_of(record, core)
    return Ready(record, method.edit(record, attribute.tensors, core), raw_strength(calibration, strength))
