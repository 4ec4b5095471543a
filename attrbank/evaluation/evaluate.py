"""``eval``: from references and seeds to figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from attrbank.artifact import LearnedAttribute, decode
from attrbank.compatibility import check_binding
from attrbank.diffusion.protocols import Backbone, Description
from attrbank.errors import InvalidValueError
from attrbank.evaluation import networks, report
from attrbank.evaluation.bench import Bench
from attrbank.evaluation.cells import CellStore
from attrbank.evaluation.clip_judge import ClipJudge
from attrbank.evaluation.competitors import Competitor, chosen
from attrbank.evaluation.judging import Judge
from attrbank.evaluation.oracle_judge import OracleJudge
from attrbank.evaluation.results import Figures
from attrbank.evaluation.runner import Plan, Runner, Series
from attrbank.evaluation.split import RULES, refuse_learned, require_split
from attrbank.evaluation.subjects import RENDERED, Subject, goal_of, target_prompt
from attrbank.measurements import Protocol, Split
from attrbank.methods.protocol import OnProgress
from attrbank.names import format_seeds
from attrbank.placement import Placement
from attrbank.plugin_manager import load_plugins
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry


@dataclass(frozen=True, kw_only=True)
class EvalRequest:
    """One ``eval``, as asked for; None means the backbone's or the sweep's own.

    Attributes:
        references: the attributes.
        seeds: of the pictures, all of the split.
        against: names of competitors, see ``competitors.chosen``.
        methods: registered methods that learn the same attributes again.
        strengths: instead of each competitor's sweep.
        quick: take fewer strengths.
        metrics: registered metrics to take as well.
        goal: what the attributes promise, where their names do not tell.
        target: the prompt that asks for the same, where their pairs do not tell.
        placement: where the backbone is to run.
        weights: the folder with the networks of the CLIP judge.
        out: the folder for figures and report, where cells are kept so that a stopped evaluation goes on.
    """

    references: tuple[str, ...]
    seeds: tuple[int, ...]
    split: Split = "judge"
    against: tuple[str, ...] = ("baselines",)
    methods: tuple[str, ...] = ()
    strengths: tuple[float, ...] | None = None
    quick: bool = False
    metrics: tuple[str, ...] = ()
    goal: str | None = None
    prompt: str | None = None
    target: str | None = None
    backbone: str | None = None
    placement: Placement | None = None
    sampler: str | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    weights: Path | None = None
    out: Path | None = None
    bank: Path | None = None


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
        AttrbankError: a library that the report or the judge needs is not installed.
    """
    require_split(request.split, request.seeds, request.metrics)
    if request.out is not None:
        report.require_libraries()
    competitors, plugins = chosen(request.against, request.methods), load_plugins()
    metrics = {name: plugins.metric(name) for name in request.metrics}
    attributes = _attributes(request)
    backbone: Backbone = plugins.backbone(_require_backbone(request, attributes), request.placement)
    prompt = request.prompt or backbone.defaults.prompt or attributes[0].learned.record.prompt or ""
    subjects = [_subject(found, prompt, request) for found in attributes]
    bench = Bench(
        backbone,
        prompt,
        request.seeds,
        sampler=request.sampler,
        steps=request.steps,
        guidance_scale=request.guidance_scale,
    )
    judge = _judge(request, prompt, subjects)
    protocol = _protocol(request, bench, judge)
    store = CellStore(request.out, protocol)
    runner = Runner(bench, judge, metrics, store, on_progress, on_warning)
    figures = Figures(protocol=protocol, attributes=runner.run(_plan(request, subjects, competitors)))
    if request.out is not None:
        report.write(request.out, figures, store)
    return Evaluated(figures, tuple(runner.failed))


class _Found(NamedTuple):
    """An attribute of the bank."""

    entry: Entry
    learned: LearnedAttribute


def _attributes(request: EvalRequest) -> list[_Found]:
    bank = Bank.open(request.bank)
    found = [_Found(entry, decode(bank.read(entry))) for entry in bank.resolve_all(request.references)]
    for _, learned in found:
        refuse_learned(learned.record, request.seeds)
    return found


def _require_backbone(request: EvalRequest, attributes: Sequence[_Found]) -> str:
    """The backbone's reference, once everything fits it; nothing is loaded."""
    reference = request.backbone or attributes[0].learned.record.backbone.name
    description: Description = load_plugins().describe(reference)
    for _, learned in attributes:
        check_binding(learned.record, description)
    if request.weights is None and description.name != RENDERED:
        raise InvalidValueError(
            f"No oracle reads the pictures of {description.name}.",
            hint="Name the folder of the networks that judge them with --weights; see docs/evaluation.md.",
        )
    return reference


def _subject(found: _Found, prompt: str, request: EvalRequest) -> Subject:
    entry, learned = found
    goal = goal_of(entry.name, request.goal) if request.weights is None else None
    target = request.target or target_prompt(learned.record, prompt, goal)
    return Subject(entry.name, entry.id, entry.size_bytes, learned, target, goal)


def _judge(request: EvalRequest, prompt: str, subjects: Sequence[Subject]) -> Judge:
    if request.weights is None:
        return OracleJudge(RULES[request.split].oracle)
    return ClipJudge(networks.load(request.weights), prompt, subjects)


def _protocol(request: EvalRequest, bench: Bench, judge: Judge) -> Protocol:
    trajectory = bench.trajectory
    return Protocol(
        split=request.split,
        seeds=format_seeds(request.seeds),
        prompt=bench.prompt,
        backbone=bench.backbone.name,
        fingerprint=bench.backbone.fingerprint,
        sampler=trajectory.sampler.name,
        steps=request.steps or bench.backbone.defaults.steps,
        guidance_scale=trajectory.guidance_scale,
        judge=judge.name,
        judge_weights=judge.weights,
    )


def _plan(request: EvalRequest, subjects: Sequence[Subject], competitors: Sequence[Competitor]) -> Plan:
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
