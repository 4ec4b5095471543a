"""``eval``: from references and seeds to figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from attrbank.diffusion.protocols import Metric
from attrbank.evaluation.bench import elsewhere
from attrbank.evaluation.bench.cells import UNEDITED, CellStore, Key
from attrbank.evaluation.bench.competitors import chosen
from attrbank.evaluation.bench.runner import Agenda, Runner, Series
from attrbank.evaluation.bench.setting import Setting, SettingRequest, set_up
from attrbank.evaluation.bench.shelf import Shelf
from attrbank.evaluation.bench.split import require_split
from attrbank.evaluation.numbers.results import Figures
from attrbank.evaluation.report import page as report
from attrbank.executors.protocol import Executor, Tell
from attrbank.methods.protocol import OnProgress, quiet
from attrbank.plugins.jobs import job_of
from attrbank.plugins.manager import load_plugins

TARGET = "attrbank.evaluation.evaluate:Work"


@dataclass(frozen=True, kw_only=True)
class EvalRequest(SettingRequest):
    """One ``eval``, as asked for; None means the backbone's or the sweep's own.

    With ``out``, figures and report go to that folder as well.

    Attributes:
        against: names of competitors, see ``competitors.chosen``.
        methods: registered methods that learn the same attributes again, see ``relearned.named``.
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
    executor: Executor | None = None,
    on_progress: OnProgress = lambda stage, done, total: None,
    on_warning: Callable[[str], None] = lambda warning: None,
) -> Evaluated:
    """Measure attributes and their competitors; with ``out``, also write ``figures.json`` and ``report.html``.

    With an executor its workers measure, each attribute by itself; what none of them could, is measured here.

    Raises:
        NotFoundError: an attribute, backbone, sampler, method or metric does not exist.
        InvalidValueError: the seeds belong to another split or were learned from, or a competitor is unknown.
        IncompatibleError: an attribute was learned on another backbone.
        StorageError: the folder cannot be written.
        AttrbankError: a library that the judge needs is not installed.
    """
    require_split(request.split, request.seeds, request.metrics)
    chosen(request.against, request.methods)
    setting = set_up(request)
    store, agenda = CellStore(request.out, setting.protocol), _agenda(request, setting)
    if executor is not None:
        _measure_elsewhere(request, setting, agenda, store, executor, on_progress, on_warning)
    runner = Runner(setting.bench, setting.judge, _metrics(request), store, on_progress, on_warning)
    figures = Figures(protocol=setting.protocol, attributes=runner.run(agenda))
    if request.out is not None:
        report.write(request.out, figures, store)
    return Evaluated(figures, tuple(runner.failed))


def _metrics(request: EvalRequest) -> dict[str, Metric]:
    return {name: load_plugins().metric(name) for name in request.metrics}


def _agenda(request: EvalRequest, setting: Setting) -> Agenda:
    """Every attribute, with the competitors that fit it, at their strengths."""
    bench, asked = setting.bench, chosen(request.against, request.methods, Shelf(request.out))
    competitors = [competitor for competitor in asked if competitor.runs_on(bench.backbone)]
    return [
        (
            subject,
            [
                Series(each, each.strengths(request.strengths, subject, quick=request.quick))
                for competitor in competitors
                if competitor.fits(subject)
                for each in competitor.expanded(bench, subject)
            ],
        )
        for subject in setting.subjects
    ]


def _keys(agenda: Agenda) -> Iterator[Key]:
    for subject, series in agenda:
        yield subject.id, UNEDITED, 0.0
        yield from ((subject.id, one.name, strength) for one, strengths in series for strength in strengths)


def _measure_elsewhere(
    request: EvalRequest,
    setting: Setting,
    agenda: Agenda,
    store: CellStore,
    executor: Executor,
    on_progress: OnProgress,
    on_warning: Callable[[str], None],
) -> None:
    wanted = {key for key in _keys(agenda) if key not in store}
    payloads = [identity.encode() for identity in dict.fromkeys(identity for identity, _, _ in _keys(agenda))]
    lacking = [payload for payload in payloads if any(key[0].encode() == payload for key in wanted)]
    job = job_of(TARGET, elsewhere.packed(request, setting))
    belongs = {*_keys(agenda)}.__contains__
    how = (len(wanted), on_progress, on_warning)
    elsewhere.fill(store, executor, job, lacking, lambda cell: belongs(cell.key), *how)


class Work:
    """What a worker measures: all of one attribute, whose id is the payload.

    Args:
        common: see ``elsewhere.packed``.
    """

    def __init__(self, common: bytes) -> None:
        self._bag = elsewhere.Bag(common, EvalRequest)
        setting = self._bag.require_same(set_up(self._bag.request))
        self._agenda = _agenda(self._bag.request, setting)
        self._store = elsewhere.TellingStore(setting.protocol)
        self._runner = Runner(
            setting.bench, setting.judge, _metrics(self._bag.request), self._store, quiet, lambda warning: None
        )

    def __call__(self, payload: bytes, tell: Tell) -> None:
        """Measure it; what fails, the client tries again, and tells."""
        self._store.tell = tell
        self._runner.run([one for one in self._agenda if one[0].id.encode() == payload])
