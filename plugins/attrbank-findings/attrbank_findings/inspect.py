"""``inspect``: from what was asked to what was found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from attrbank.plugin import (
    DEFAULT_BACKBONE,
    Backbone,
    Bank,
    Bench,
    Description,
    Entry,
    InvalidValueError,
    LearnedAttribute,
    OnProgress,
    Placement,
    Subject,
    check_binding,
    check_guidance,
    goal_of,
    load_plugins,
    opened,
    refuse_learned,
    target_prompt,
)
from attrbank_findings import ablation, distance, order, rho, sweep
from attrbank_findings.finding import Inspection
from attrbank_findings.scene import Scene

What: TypeAlias = Literal["sweep", "order", "distance", "ablation", "rho"]

OF_AN_ATTRIBUTE: frozenset[What] = frozenset({"ablation", "rho"})
_ONLY_FOR: dict[str, What] = {
    "vectors": "sweep",
    "factors": "sweep",
    "times": "sweep",
    "p": "distance",
    "strengths": "rho",
}


@dataclass(frozen=True, kw_only=True)
class InspectRequest:
    """One ``inspect``, as asked for; None means the backbone's own, or a default.

    Attributes:
        what: which of the paper's figures.
        seeds: of the pictures.
        reference: the attribute that ``ablation`` and ``rho`` put into them.
        goal: what it promises, where its name does not tell.
        target: the prompt that asks for the same, where its pairs do not tell.
        vectors, factors, times: what ``sweep`` scales, see ``sweep.Sweep``.
        p: the dimension of the subspaces of ``distance``.
        strengths: of ``rho``.
        out: the folder for figures and pictures.

    Raises:
        InvalidValueError: an attribute is missing, or something has no place here.
    """

    what: What
    seeds: tuple[int, ...]
    reference: str | None = None
    goal: str | None = None
    target: str | None = None
    vectors: tuple[int, ...] | None = None
    factors: tuple[float, ...] | None = None
    times: tuple[float, ...] | None = None
    p: int | None = None
    strengths: tuple[float, ...] | None = None
    prompt: str | None = None
    backbone: str | None = None
    placement: Placement | None = None
    sampler: str | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    out: Path | None = None
    bank: Path | None = None

    def __post_init__(self) -> None:
        if (self.what in OF_AN_ATTRIBUTE) == (self.reference is None):
            takes = "takes an attribute" if self.reference is None else "takes no attribute"
            raise InvalidValueError(f"attrbank inspect {self.what} {takes}.")
        for name, only in _ONLY_FOR.items():
            if self.what != only and getattr(self, name) is not None:
                raise InvalidValueError(f"{name}: only for attrbank inspect {only}, not for {self.what}.")


def inspect(
    request: InspectRequest, on_progress: OnProgress = lambda stage, done, total: None
) -> tuple[Inspection, list[Path]]:
    """Look, and with ``out`` write what was found; also gives the files written.

    Raises:
        NotFoundError: the attribute, backbone or sampler does not exist.
        InvalidValueError: a value does not fit the backbone, the attribute was learned on one of the seeds, or every
            picture has it.
        IncompatibleError: the attribute was learned on another backbone.
        StorageError: the folder cannot be written.
    """
    found = None if request.reference is None else _found(request.reference, request)
    scene = _scene(request, found)
    inspection = _look(request, scene, found, on_progress)
    return inspection, inspection.write(request.out, request.what) if request.out else []


class _Found(NamedTuple):
    """An attribute of the bank."""

    entry: Entry
    learned: LearnedAttribute


def _found(reference: str, request: InspectRequest) -> _Found:
    bank = Bank.open(request.bank)
    entry = bank.resolve(reference)
    learned = opened(bank.artifact(entry))
    refuse_learned(learned.record, request.seeds)
    return _Found(entry, learned)


def _scene(request: InspectRequest, found: _Found | None) -> Scene:
    plugins, record = load_plugins(), found.learned.record if found else None
    reference = request.backbone or (record.backbone.name if record else DEFAULT_BACKBONE)
    if record:
        description: Description = plugins.describe(reference)
        check_binding(record, description)
    backbone: Backbone = plugins.backbone(reference, request.placement)
    prompt = request.prompt
    if prompt is None:
        prompt = backbone.defaults.prompt or (record.prompt if record else None) or ""
    bench = Bench(
        backbone,
        prompt,
        request.seeds,
        sampler=request.sampler,
        steps=request.steps,
        guidance_scale=request.guidance_scale,
    )
    check_guidance(backbone, bench.trajectory.guidance_scale, prompt)
    return Scene.of(bench)


def _subject(request: InspectRequest, scene: Scene, found: _Found) -> Subject:
    entry, learned = found
    goal = goal_of(entry.name, request.goal) if scene.judge else None
    target = request.target or target_prompt(learned.record, scene.bench.prompt, goal)
    return Subject(entry.name, entry.id, entry.size_bytes, learned, target, goal)


def _look(request: InspectRequest, scene: Scene, found: _Found | None, on_progress: OnProgress) -> Inspection:
    if found is not None:
        subject = _subject(request, scene, found)
        if request.what == "rho":
            return rho.inspect(scene, subject, request.strengths or rho.STRENGTHS, on_progress)
        return ablation.inspect(scene, subject, on_progress)
    if request.what == "sweep":
        scaled = sweep.Sweep(
            request.vectors or sweep.VECTORS, request.factors or sweep.FACTORS, request.times or sweep.TIMES
        )
        return sweep.inspect(scene, scaled, on_progress)
    if request.what == "order":
        return order.inspect(scene, on_progress)
    return distance.inspect(scene, distance.P if request.p is None else request.p, on_progress)
