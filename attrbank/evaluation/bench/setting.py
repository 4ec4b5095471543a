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
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.split import refuse_learned
from attrbank.evaluation.bench.subjects import Subject, goal_of, target_prompt
from attrbank.evaluation.judges.choosing import chosen
from attrbank.evaluation.judges.judge import Case, Hearing, Judge
from attrbank.names import format_seeds
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Split
from attrbank.schema.measured import Protocol
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
        judge: who looks, such as ``self`` or ``clip:DIR``; None is the backbone's own.
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
    judge: str | None = None
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
    judge: Hearing
    protocol: Protocol


class _Found(NamedTuple):
    """An attribute of the bank."""

    entry: Entry
    learned: LearnedAttribute


def set_up(request: SettingRequest) -> Setting:
    """Find the attributes, then load the backbone and the judge.

    Raises:
        NotFoundError: an attribute, backbone, sampler or judge does not exist.
        InvalidValueError: an attribute was learned from one of the seeds, or the judge cannot see what it promises, or
            the backbone has no judge of its own and none is named.
        IncompatibleError: an attribute was learned on another backbone.
        AttrbankError: a library that the judge needs is not installed.
    """
    attributes = _attributes(request)
    source = _require_backbone(request, attributes)
    choice = chosen(request.judge, source)
    backbone: Backbone = load_plugins().backbone(source, request.placement)
    prompt = request.prompt or backbone.defaults.prompt or attributes[0].learned.record.prompt or ""
    case = Case(backbone=backbone, prompt=prompt, split=request.split, argument=choice.argument, source=source)
    judge = choice.made(case)
    subjects = tuple(_subject(found, prompt, request, judge) for found in attributes)
    bench = Bench(
        backbone,
        prompt,
        request.seeds,
        sampler=request.sampler,
        steps=request.steps,
        guidance_scale=request.guidance_scale,
    )
    return Setting(subjects, bench, Hearing(judge, subjects), _protocol(request, bench, judge))


def _attributes(request: SettingRequest) -> list[_Found]:
    bank = Bank.open(request.bank)
    found = [_Found(entry, opened(bank.artifact(entry))) for entry in bank.resolve_all(request.references)]
    for _, learned in found:
        refuse_learned(learned.record, request.seeds)
    return found


def _require_backbone(request: SettingRequest, attributes: Sequence[_Found]) -> str:
    """The backbone's reference, once everything fits it; nothing is loaded."""
    reference = request.backbone or attributes[0].learned.record.backbone.name
    plugins = load_plugins()
    description: Description = plugins.describe(reference)
    for record in (learned.record for _, learned in attributes):
        network = plugins.needs_its_network(record)
        check_binding(record, description, parts=() if network else plugins.parts_of_method(record), network=network)
    return reference


def _subject(found: _Found, prompt: str, request: SettingRequest, judge: Judge) -> Subject:
    entry, learned = found
    goal = goal_of(entry.name, request.goal, judge.goals) if judge.goals else None
    target = request.target or target_prompt(learned.record, prompt, goal, judge.goals)
    return Subject(entry.name, entry.id, entry.size_bytes, learned, target, goal)


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
