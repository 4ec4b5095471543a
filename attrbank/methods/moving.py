"""An attribute at another time than its own: what of its record changes with it (docs/method.md 5.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrbank.errors import InvalidValueError
from attrbank.names import When
from attrbank.schema.choices import ON_THE_WAY
from attrbank.schema.stored import AttributeRecord

if TYPE_CHECKING:
    from attrbank.diffusion.schedule import Schedule

LAST = 0.25
"""Where an edit ends that acts on the way: below this little is still open."""


def times_between(schedule: Schedule, first: float, last: float, count: int) -> tuple[float, ...]:
    """ᾱ at ``count`` times, two or more, at equal distances from one time fraction to another."""
    fractions = (first + (last - first) * turn / (count - 1) for turn in range(count))
    return tuple(schedule.alpha_bar(schedule.timestep_of(fraction)) for fraction in fractions)


def moved_at_once(record: AttributeRecord, when: When, schedule: Schedule) -> AttributeRecord:
    """The same difference of clean latents, added at another T_x; T_z stays where it is.

    Differences are kept at T_x's signal level, √ᾱ (ẑ0 − x̂0), so that only their scale depends on T_x. A picture's own
    is taken at the level where it is added.

    Raises:
        InvalidValueError: it is to act on the way.
    """
    if when.last is not None:
        hint = f"Write {record.name}@{When(when.first)}."
        raise InvalidValueError(f"{record.name} acts once, so it takes a time, not the interval {when}.", hint)
    timestep = schedule.timestep_of(when.first)
    alpha_bar = schedule.alpha_bar(timestep)
    ratio = (alpha_bar / record.resolved.alpha_bar_x) ** 0.5
    own = {"own", *ON_THE_WAY}
    units = {core: size if core in own else size * ratio for core, size in record.units.items()}
    resolved = record.resolved.model_copy(update={"timestep_x": timestep, "alpha_bar_x": alpha_bar})
    delta_tau = round(record.t_z - when.first, 9)
    moved = {"t_x": when.first, "delta_tau": delta_tau, "units": units, "resolved": resolved}
    return record.model_copy(update=moved)


def moved_on_the_way(record: AttributeRecord, when: When, schedule: Schedule) -> AttributeRecord:
    """As many times as before, between others; a single time is where they begin.

    Raises:
        InvalidValueError: it would begin where it ends.
    """
    last = LAST if when.last is None else when.last
    if when.first <= last:
        hint = f"Say when it ends as well, as in {record.name}@{when}..{When(when.first / 2)}."
        raise InvalidValueError(f"{record.name} acts on the way to {LAST:g}, so it cannot begin at {when}.", hint)
    return record.model_copy(update={"times": times_between(schedule, when.first, last, len(record.times))})
