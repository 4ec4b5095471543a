"""Runs attributes against competitors over strengths, on seeds that nothing was learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor

from attrbank.diffusion.protocols import Metric
from attrbank.errors import AttrbankError, NumericError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.cells import UNEDITED, Cell, CellStore
from attrbank.evaluation.bench.competitor import Competitor
from attrbank.evaluation.bench.strips import strip
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges.judge import Hearing
from attrbank.evaluation.numbers.results import AttributeFigures, Learning
from attrbank.evaluation.numbers.summary import attribute_figures
from attrbank.methods.protocol import OnProgress


class Series(NamedTuple):
    """A competitor and the strengths that it is tried at."""

    competitor: Competitor
    strengths: tuple[float, ...]


Agenda: TypeAlias = Sequence[tuple[Subject, Sequence[Series]]]
"""What is measured of each subject."""


class _Lacking(NamedTuple):
    """The pictures of one attribute that lack it, before anything is done to them."""

    subject: Subject
    bench: Bench
    images: Tensor
    view: Any


@dataclass
class Runner:
    """Measures cell by cell what the store lacks.

    Attributes:
        bench: the pictures.
        judge: who looks at them.
        metrics: further figures by name.
        store: where cells go, and where those already measured come from.
        on_progress: called with the attribute's name, the cells done and their total.
        on_warning: called with what the user should know.
        failed: competitors that could not be run, such as "paper on young".
        left_out: by an attribute's id, why competitors were not measured that failed, or do not fit.
    """

    bench: Bench
    judge: Hearing
    metrics: Mapping[str, Metric]
    store: CellStore
    on_progress: OnProgress
    on_warning: Callable[[str], None]
    failed: list[str] = field(default_factory=list)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)
    _done: int = 0
    _total: int = 0

    def run(self, agenda: Agenda) -> tuple[AttributeFigures, ...]:
        """Measure every series of every subject; subjects that no picture lacks are left out."""
        self._total = sum(1 + sum(len(strengths) for _, strengths in series) for _, series in agenda)
        images = self.bench.images(self.bench.unedited)
        view, figures = self.judge.look(images), []
        for subject, series in agenda:
            rows = self.judge.lacking(subject, view)
            if rows.any():
                self._measure(_Lacking(subject, self.bench.only(rows), images[rows], view[rows]), series)
                names = [competitor.name for competitor, _ in series]
                left_out, limit = self.left_out.get(subject.id, {}), self.judge.limit(subject)
                figures.append(attribute_figures(subject, names, self.store, limit, left_out))
            else:
                self.on_warning(f"every picture has what {subject.label} promises, so there is nothing to measure")
        return tuple(figures)

    def _measure(self, lacking: _Lacking, series: Sequence[Series]) -> None:
        bench, subject = lacking.bench, lacking.subject
        self.on_progress(subject.label, self._done, self._total)
        self._cell(lacking, UNEDITED, 0.0, lambda: bench.unedited)
        for competitor, strengths in series:
            after = self._done + len(strengths)
            if reason := competitor.unsuited(bench, subject):
                self._leave_out(subject, competitor, reason)
            else:
                self._try(lacking, competitor, strengths)
            self._done = after
            self.on_progress(subject.label, self._done, self._total)

    def _try(self, lacking: _Lacking, competitor: Competitor, strengths: Sequence[float]) -> None:
        try:
            self._sweep(lacking, competitor, strengths)
        except AttrbankError as error:
            self.failed.append(f"{competitor.name} on {lacking.subject.label}")
            self._leave_out(lacking.subject, competitor, error.message)

    def _leave_out(self, subject: Subject, competitor: Competitor, reason: str) -> None:
        self.left_out.setdefault(subject.id, {})[competitor.name] = reason
        self.on_warning(f"{competitor.name} on {subject.label}: {reason}")

    def _sweep(self, lacking: _Lacking, competitor: Competitor, strengths: Sequence[float]) -> None:
        bench, subject = lacking.bench, lacking.subject
        missing = [s for s in strengths if (subject.id, competitor.name, s) not in self.store]
        if missing:
            competitor.prepare(bench, subject)
        for strength in (s for s in missing if competitor.can_have(subject, s)):
            make, learning = partial(competitor.latents, bench, subject, strength), competitor.learning(subject)
            self._cell(lacking, competitor.name, strength, make, learning)

    def _cell(
        self,
        lacking: _Lacking,
        competitor: str,
        strength: float,
        make: Callable[[], Tensor],
        learning: Learning | None = None,
    ) -> None:
        subject = lacking.subject
        if (subject.id, competitor, strength) in self.store:
            return
        images, cost = lacking.bench.measured(lambda: lacking.bench.images(make()))
        cell = Cell(
            attribute=subject.id,
            competitor=competitor,
            strength=strength,
            evaluations=cost.evaluations / len(images),
            seconds=cost.seconds / len(images),
            learning=learning,
            strip=strip(images),
            **self._seen(lacking, images),
        )
        self._done += 1
        self.on_progress(subject.label, self._done, self._total)
        self.store.add(cell)

    def _seen(self, lacking: _Lacking, images: Tensor) -> dict[str, Any]:
        """What the judge says of pictures, as a cell has it."""
        subject, after = lacking.subject, self.judge.look(images)
        values = dict(self.judge.figures(subject, lacking.view, after))
        values |= {name: metric(lacking.images, images) for name, metric in self.metrics.items()}
        _require_finite(values)
        distances = dict(self.judge.distances(subject, lacking.view, after))
        return {"values": {name: tuple(_rounded(found)) for name, found in values.items()}, "distances": distances}


def _require_finite(values: Mapping[str, Tensor]) -> None:
    for name, found in values.items():
        if not found.float().isfinite().all():
            raise NumericError(f"The figure {name} is no finite number for some picture.")


def _rounded(values: Tensor) -> list[float]:
    """Six digits, which is more than the pictures say."""
    return [float(f"{value:.6g}") for value in values.float().tolist()]
