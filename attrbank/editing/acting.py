"""The one way from an artifact to the edit that acts: for ``apply``, for pipelines of diffusers, for evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.attribute.calibration import calibration_of, raw_strength
from attrbank.diffusion.schedule import Grid, Schedule, indices_of
from attrbank.editing.composition import Act
from attrbank.editing.contradiction import opposed_to
from attrbank.methods.protocol import AnyEdit
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Core
from attrbank.schema.stored import AttributeRecord


@dataclass(frozen=True, eq=False)
class Ready:
    """An attribute that can act, wherever its turn is.

    Attributes:
        record: what its artifact says.
        edit: what acts.
        strength: as the edit takes it.
        times: ᾱ at the times at which it acts.
        opposed: what a prompt may say against it.
        words: at which of the prompt's it acts, if it changes how that is heard.
    """

    record: AttributeRecord
    edit: AnyEdit
    strength: float
    times: tuple[float, ...]
    opposed: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def at(self, indices: Sequence[int]) -> Act:
        """Its turn at steps of a grid."""
        first, *later = indices
        return Act(first, self.edit, self.strength, tuple(later), self.opposed, self.words)

    def on(self, grid: Grid, schedule: Schedule) -> Act:
        """Its turn on a grid."""
        return self.at(indices_of(self.times, grid, schedule))


def ready(
    attribute: LearnedAttribute,
    strength: float,
    core: Core | None = None,
    *,
    raw: bool = False,
    words: tuple[str, ...] = (),
) -> Ready:
    """Make an attribute ready to act.

    Args:
        attribute: tensors and all.
        strength: 1 is the full effect.
        core: None is the attribute's own.
        raw: take the strength as it is, whatever the attribute's calibration says.
        words: at which of the prompt's it acts; none are the attribute's own.

    Raises:
        NotFoundError: the method that it was learned with is not installed.
        InvalidValueError: it cannot have this strength, or has no such core.
        CorruptArtifactError: a tensor is missing or of the wrong shape.
    """
    record, method = attribute.record, load_plugins().method_of(attribute.record)
    method.strengths(record).check(record.name, strength)
    calibration = None if raw else calibration_of(record, core)
    edit, acting = method.edit(record, attribute.tensors, core), core or record.core
    needs = method.needs(record, acting, strength)
    words, times = words or needs.words, method.times(record, acting)
    opposed = () if needs.prompt else opposed_to(record, strength)
    return Ready(record, edit, raw_strength(calibration, strength), times, opposed, words)
