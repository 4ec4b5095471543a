"""What all of them share: an interval of the time at which they act, from T_x to T_z = T_x + Δτ.

Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel

from attrbank.plugin import AttributeRecord, LearnSpec, Method, When, moved_interval, require_interval

if TYPE_CHECKING:
    from attrbank.plugin import Description, Schedule

P = TypeVar("P", bound=BaseModel)


class OverInterval(Method, Generic[P]):
    """A method that acts over an interval.

    Attributes:
        begins: T_x, unless the user says otherwise.
        seeds: to learn from, unless the user says otherwise; as many as there are pairs if those are more.
        parameters: what the user has set.
    """

    begins: float
    seeds: tuple[int, ...]

    def __init__(self, parameters: P) -> None:
        self.parameters = parameters

    def moved(self, record: AttributeRecord, core: str | None, when: When, schedule: Schedule) -> AttributeRecord:
        """Another interval; a single time is where it begins.

        Raises:
            InvalidValueError: it would begin where it ends.
        """
        return moved_interval(record, when, schedule)

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """From the method's own time to the clean end, and its own seeds."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        begins = given.get("t_x", self.begins)
        seeds = self.seeds if pairs <= len(self.seeds) else tuple(range(pairs))
        return {"seeds": seeds, **fields, "t_x": begins, "delta_tau": given.get("delta_tau", -begins)}

    def check(self, spec: LearnSpec, model: Description) -> None:
        """An interval must have a length."""
        require_interval(spec)
