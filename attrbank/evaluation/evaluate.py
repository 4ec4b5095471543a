"""``eval``: from references and seeds to figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attrbank.evaluation.bench.cells import CellStore
from attrbank.evaluation.bench.competitors import Competitor, chosen
from attrbank.evaluation.bench.runner import Agenda, Runner, Series
from attrbank.evaluation.bench.setting import SettingRequest, set_up
from attrbank.evaluation.bench.split import require_split
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.numbers.results import Figures
from attrbank.evaluation.report import page as report
from attrbank.methods.protocol import OnProgress
from attrbank.plugins.manager import load_plugins


@dataclass(frozen=True, kw_only=True)
class EvalRequest(SettingRequest):
    """One ``eval``, as asked for; None means the backbone's or the sweep's own.

    With ``out``, figures and report go to that folder as well.

    Attributes:
        against: names of competitors, see ``competitors.chosen``.
        methods: registered methods that learn the same attributes again.
        strengths: instead of each competitor's sweep.
        quick: take fewer strengths.
        metrics: registered metrics to take as well.
    """

    against: tuple[str, ...] = ("baselines",)
    methods: tuple[str, ...] = ()
    strengths: tuple[float, ...] | None = None
    quick: bool = False
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluated:
    """What was measured, and what could not be.

    Attributes:
        figures: all there are.
        failed: competitors that could not be run, such as "paper on young".
    """

    figures: Figures
    failed: tuple[str, ...]


def evaluate(
    request: EvalRequest,
    *,
    on_progress: OnProgress = lambda stage, done, total: None,
    on_warning: Callable[[str], None] = lambda warning: None,
) -> Evaluated:
    """Measure attributes and their competitors; with ``out``, also write ``figures.json`` and ``report.html``.

    Raises:
        NotFoundError: an attribute, backbone, sampler, method or metric does not exist.
        InvalidValueError: the seeds belong to another split or were learned from, or a competitor is unknown.
        IncompatibleError: an attribute was learned on another backbone.
        StorageError: the folder cannot be written.
        AttrbankError: a library that the judge needs is not installed.
    """
    require_split(request.split, request.seeds, request.metrics)
    asked, plugins = chosen(request.against, request.methods), load_plugins()
    metrics = {name: plugins.metric(name) for name in request.metrics}
    setting = set_up(request)
    competitors = [competitor for competitor in asked if competitor.runs_on(setting.bench.backbone)]
    store = CellStore(request.out, setting.protocol)
    runner = Runner(setting.bench, setting.judge, metrics, store, on_progress, on_warning)
    figures = Figures(protocol=setting.protocol, attributes=runner.run(_agenda(request, setting.subjects, competitors)))
    if request.out is not None:
        report.write(request.out, figures, store)
    return Evaluated(figures, tuple(runner.failed))


def _agenda(request: EvalRequest, subjects: Sequence[Subject], competitors: Sequence[Competitor]) -> Agenda:
    return [
        (
            subject,
            [
                Series(competitor, competitor.strengths(request.strengths, subject, quick=request.quick))
                for competitor in competitors
                if competitor.fits(subject)
            ],
        )
        for subject in subjects
    ]
