"""What an ``apply`` costs, counted in denoising steps before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attrbank.diffusion.schedule import Grid, Schedule, nearest_index
from attrbank.methods.needs import Needs


@dataclass(frozen=True)
class Stop:
    """Where on the grid an edit acts, and what it needs there.

    Attributes:
        index: the step at which it acts first.
        needs: what it asks of the network, at all of its times together.
        later: the steps at which it acts again.
        changes: whether it does anything, as it does not at strength 0.
    """

    index: int
    needs: Needs
    later: tuple[int, ...] = ()
    changes: bool = True

    @property
    def last(self) -> int:
        """The step at which it acts last."""
        return self.later[-1] if self.later else self.index

    @property
    def watched(self) -> tuple[int, ...]:
        """The steps at which it looks at the unedited picture, however often another has acted."""
        return (self.index, *self.later) if self.needs.towards else ()


def denoising_steps(
    stops: Sequence[Stop], grid: Grid, schedule: Schedule, *, needs_before: bool, refinements: int | None
) -> int:
    """Steps of both pictures, which share what lies before the first edit, and of what the edits ask for.

    Args:
        stops: in the order in which the edits act.
        grid: of the run.
        schedule: of the backbone.
        needs_before: whether the unedited picture is finished.
        refinements: of the inversion, if a picture is edited: its latent replaces the way to the first edit.
    """
    first, elsewhere = stops[0].index, sum(_of_runs(stop, grid, schedule) for stop in stops)
    edited = [any(earlier.changes for earlier in stops[:place]) for place in range(len(stops))]
    needed = [_last_needed(stop, after) for stop, after in zip(stops, edited, strict=True)]
    needed += [_runs_beside(stop, grid, schedule) for stop in stops]
    before = len(grid) if needs_before else max(first, *needed)
    looks = sum(_looks_at_edited(stop, after) for stop, after in zip(stops, edited, strict=True))
    looks += _looked_at_before_it_runs_beside(stops, edited, grid, schedule)
    shared = 0 if refinements is None else -first + _inverted(len(grid), first, elsewhere) * (1 + refinements)
    predictions = sum(stop.needs.predictions + len(stop.needs.towards) for stop in stops)
    return shared + before + (len(grid) - first) + elsewhere + predictions + looks


def rows_beside(stops: Sequence[Stop], grid: Grid, schedule: Schedule, prompt: str) -> int:
    """Rows of the network that edits ask for under other prompts than the picture's, not among ``denoising_steps``."""
    apart = sum(2 for stop in stops for source in stop.needs.towards if source != prompt)
    asked = (stop.needs.rows + stop.needs.features + _rows_meanwhile(stop, grid, schedule) for stop in stops)
    return apart + sum(asked)


def _rows_meanwhile(stop: Stop, grid: Grid, schedule: Schedule) -> int:
    """Rows that an edit asks for at every step from its first to its end."""
    meanwhile = stop.needs.meanwhile
    if meanwhile is None or not stop.changes:
        return 0
    return meanwhile.rows * max(0, nearest_index(grid, schedule, meanwhile.until) - stop.index)


def _inverted(end: int, first: int, elsewhere: int) -> int:
    """Steps that are undone: to the first edit, or to the noise if an edit runs that under another prompt."""
    return end if elsewhere else end - first


def _of_runs(stop: Stop, grid: Grid, schedule: Schedule) -> int:
    """Steps of other runs, from the picture's noise."""
    ends = ((stop.index if run.until is None else nearest_index(grid, schedule, run.until)) for run in stop.needs.runs)
    return sum(ends) + sum(run.predicted for run in stop.needs.runs)


def _looks_at_edited(stop: Stop, edited: bool) -> int:
    """Looks at what nobody predicts anyway: the picture as other edits, or earlier turns of this one, have left it."""
    return (edited + len(stop.later) * (edited or stop.changes)) * stop.needs.looks


def _runs_beside(stop: Stop, grid: Grid, schedule: Schedule) -> int:
    """How far the unedited picture goes beside the edited one."""
    until = stop.needs.beside
    return 0 if until is None or not stop.changes else nearest_index(grid, schedule, until)


def _looked_at_before_it_runs_beside(
    stops: Sequence[Stop], edited: Sequence[bool], grid: Grid, schedule: Schedule
) -> int:
    """How often the unedited picture is looked at where it runs beside: these steps are then predicted again."""
    looked = {stop.index for stop, after in zip(stops, edited, strict=True) if stop.needs.looks and not after}
    looked |= {index for stop in stops for index in stop.watched}
    beside = [range(stop.index, _runs_beside(stop, grid, schedule)) for stop in stops]
    return sum(any(index in way for way in beside) for index in looked)


def _last_needed(stop: Stop, edited: bool) -> int:
    """How far the unedited picture must go for an edit's sake: one step beyond it where the edit looks at it."""
    if stop.needs.towards:
        return stop.last + 1
    if stop.needs.looks and not edited:
        return (stop.index if stop.changes else stop.last) + 1
    return stop.last if stop.needs.predictions else 0
