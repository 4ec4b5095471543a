"""What every measurement needs: attributes, pictures to put them in, and a judge; checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from attrbank.attribute.artifact import LearnedAttribute, opened
from attrbank.attribute.compatibility import check_binding
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Backbone, Description
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.split import SPLITS, refuse_learned
from attrbank.evaluation.bench.subjects import RENDERED, Subject, goal_of, target_prompt
from attrbank.evaluation.judges import networks
from attrbank.evaluation.judges.clip_judge import ClipJudge
from attrbank.evaluation.judges.judge import Judge
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.names import format_seeds
from attrbank.plugins.manager import load_plugins
from attrbank.schema.measured import Protocol, Split
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry


@dataclass(frozen=True, kw_only=True)
class SettingRequest:
    """A measurement, as asked for; None means the backbone's own.

    Attributes:
        references: the attributes.
        seeds: of the pictures, all of the split.
        goal: what the attributes promise, where their names do not tell.
        target: the prompt that asks for the same, where their pairs do not tell.
        placement: where the backbone is to run.
        weights: the folder with the networks of the CLIP judge.
        out: the folder where cells are kept, so that a stopped measurement goes on.
    """

    references: tuple[str, ...]
    seeds: tuple[int, ...]
    split: Split = "judge"
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
class Setting:
    """What was asked for, ready.

    Attributes:
        protocol: what identifies all of it but the attributes.
    """

    subjects: tuple[Subject, ...]
    bench: Bench
    judge: Judge
    protocol: Protocol


class _Found(NamedTuple):
    """An attribute of the bank."""

    entry: Entry
    learned: LearnedAttribute


def set_up(request: SettingRequest) -> Setting:
    """Find the attributes, then load the backbone and the judge.

    Raises:
        NotFoundError: an attribute, backbone or sampler does not exist.
        InvalidValueError: an attribute was learned from one of the seeds, or no oracle knows what it promises.
        IncompatibleError: an attribute was learned on another backbone.
        AttrbankError: a library that the judge needs is not installed.
    """
    attributes = _attributes(request)
    backbone: Backbone = load_plugins().backbone(_require_backbone(request, attributes), request.placement)
    prompt = request.prompt or backbone.defaults.prompt or attributes[0].learned.record.prompt or ""
    subjects = tuple(_subject(found, prompt, request) for found in attributes)
    bench = Bench(
        backbone,
        prompt,
        request.seeds,
        sampler=request.sampler,
        steps=request.steps,
        guidance_scale=request.guidance_scale,
    )
    judge = _judge(request, prompt, subjects)
    return Setting(subjects, bench, judge, _protocol(request, bench, judge))


def _attributes(request: SettingRequest) -> list[_Found]:
    bank = Bank.open(request.bank)
    found = [_Found(entry, opened(bank.artifact(entry))) for entry in bank.resolve_all(request.references)]
    for _, learned in found:
        refuse_learned(learned.record, request.seeds)
    return found


def _require_backbone(request: SettingRequest, attributes: Sequence[_Found]) -> str:
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


def _subject(found: _Found, prompt: str, request: SettingRequest) -> Subject:
    entry, learned = found
    goal = goal_of(entry.name, request.goal) if request.weights is None else None
    target = request.target or target_prompt(learned.record, prompt, goal)
    return Subject(entry.name, entry.id, entry.size_bytes, learned, target, goal)


def _judge(request: SettingRequest, prompt: str, subjects: Sequence[Subject]) -> Judge:
    if request.weights is None:
        return OracleJudge(SPLITS[request.split].oracle)
    return ClipJudge(networks.load(request.weights), prompt, subjects)


def _protocol(request: SettingRequest, bench: Bench, judge: Judge) -> Protocol:
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
