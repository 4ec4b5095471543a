"""Methods that act over an interval, from T_x to T_z = T_x + Δτ, and change no latent by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.errors import InvalidValueError
from attrbank.methods.protocol import Method
from attrbank.names import When
from attrbank.schema.asked import LearnSpec
from attrbank.schema.stored import AttributeRecord

if TYPE_CHECKING:
    from attrbank.diffusion.protocols import Description
    from attrbank.diffusion.schedule import Schedule


def require_interval(spec: LearnSpec) -> None:
    """Refuse an interval without a length.

    Raises:
        InvalidValueError: T_z is not below T_x.
    """
    if spec.t_z >= spec.t_x:
        raise InvalidValueError(
            "It acts over an interval, from T_x to T_z = T_x + Δτ.", hint="Give a --delta-tau below 0."
        )


def moved_interval(record: AttributeRecord, when: When, schedule: Schedule) -> AttributeRecord:
    """The same over another interval; a single time is where it begins, and it ends where it did.

    Raises:
        InvalidValueError: it would begin where it ends.
    """
    last = record.t_z if when.last is None else when.last
    if when.first <= last:
        hint = f"Say when it ends as well, as in {record.name}@{when}..{When(when.first / 2)}."
        raise InvalidValueError(f"{record.name} acts until {last:g}, so it cannot begin at {when}.", hint)
    timestep = schedule.timestep_of(when.first)
    resolved = {"timestep_x": timestep, "alpha_bar_x": schedule.alpha_bar(timestep)}
    times = {"t_x": when.first, "delta_tau": round(last - when.first, 9)}
    return record.model_copy(update={**times, "resolved": record.resolved.model_copy(update=resolved)})


class OverInterval(Method):
    """A method whose edits act from T_x to T_z, by default to the clean end.

    Attributes:
        begins: T_x, unless the user says otherwise.
        seeds: to learn from, unless the user says otherwise; as many as there are pairs if those are more.
    """

    begins: float
    seeds: tuple[int, ...]

    def moved(self, record: AttributeRecord, core: str | None, when: When, schedule: Schedule) -> AttributeRecord:
        """As ``moved_interval``."""
        return moved_interval(record, when, schedule)

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """From the method's own time to the clean end, and its own seeds."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        begins = given.get("t_x", self.begins)
        seeds = self.seeds if pairs <= len(self.seeds) else tuple(range(pairs))
        return {"seeds": seeds, **fields, "t_x": begins, "delta_tau": given.get("delta_tau", -begins)}

    def check(self, spec: LearnSpec, model: Description) -> None:
        """The interval must have a length."""
        require_interval(spec)
