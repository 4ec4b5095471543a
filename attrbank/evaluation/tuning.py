"""Choosing which core acts, when, and what its strengths mean, on tuning seeds and with the eyes of one judge."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.attribute.calibration import calibration_of
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.split import require_split
from attrbank.evaluation.bench.subjects import Subject, goal_of, target_prompt
from attrbank.evaluation.judges.choosing import ORACLE, Choice, chosen
from attrbank.evaluation.judges.judge import Case, Hearing, Judge
from attrbank.evaluation.numbers.curves import Values
from attrbank.evaluation.sweep import Sweep
from attrbank.learning.run import Prepare, Refine, default_backbone
from attrbank.methods.protocol import Method, OnProgress, OnWarning, quiet, silent
from attrbank.names import When
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import LearnSpec
from attrbank.schema.choices import Core
from attrbank.schema.stored import AttributeRecord, Tuning

TIMES = (0.2, 0.3)
"""The first is where cores are compared. Later, a prompt that says the opposite has less time to take an edit back."""
STRENGTHS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
"""As multiples of what ``learn`` found to be the full effect."""
SEEDS = tuple(range(1000, 1064))


def at_time(learned: LearnedAttribute, core: Core | None, t_x: float, schedule: Schedule) -> LearnedAttribute:
    """The attribute with one of its cores at another time; raises as its method does (``Method.moved``)."""
    method = load_plugins().method_of(learned.record)
    return replace(learned, record=method.moved(learned.record, core, When(t_x), schedule))


class _Candidate(NamedTuple):
    """One core at one time."""

    learned: LearnedAttribute
    core: Core | None


class Tuner:
    """Pictures of the tuning seeds, on which any number of attributes are tuned.

    Args:
        backbone: what generates.
        judge: who looks; of a judge with two pairs of eyes, those that may choose.
        prompt: of the pictures.
        seeds: of the pictures.
        goal: what the attributes promise, where their names do not tell.
        oracle: whether the judge knows the truth.
    """

    def __init__(
        self,
        backbone: Backbone,
        judge: Judge,
        prompt: str,
        seeds: Sequence[int] = SEEDS,
        *,
        goal: str | None = None,
        oracle: bool = True,
    ) -> None:
        require_split("tune", seeds)
        self.judge, self._goal, self._is_oracle = judge, goal, oracle
        self._backbone, self._prompt, self._seeds = backbone, prompt, seeds

    def subject(self, learned: LearnedAttribute) -> Subject:
        """The attribute as the judge is asked for it; raises as ``aim``."""
        target, goal = self.aim(learned.record)
        return Subject(learned.record.name, "", 0, learned, target, goal)

    def aim(self, asked: LearnSpec | AttributeRecord) -> tuple[str, str | None]:
        """The prompt that asks for the same, and what the judge is to look for.

        Raises:
            InvalidValueError: the judge cannot see what the name promises, or no prompt asks for it.
        """
        goals = self.judge.goals
        goal = goal_of(asked.name, self._goal, goals) if goals else None
        return target_prompt(asked, self._prompt, goal, goals), goal

    def tuned(
        self,
        learned: LearnedAttribute,
        on_progress: OnProgress = quiet,
        *,
        core: Core | None = None,
        times: Sequence[float] = TIMES,
    ) -> LearnedAttribute:
        """The attribute with the core and at the time that change least beside it, with calibrated strengths.

        The core is chosen first, at the first of the times, among those that take no run of another prompt; one that
        acts on the way keeps its own times, and so does what cannot be moved. Every candidate takes a run of the
        pictures that lack the attribute, from where it acts on, at every raw strength.

        Args:
            learned: the attribute.
            on_progress: told of every run.
            core: the only one to try; None tries all.
            times: T_x to try.

        Raises:
            InvalidValueError: the judge cannot see what the name promises, every picture has it already, it does not
                come at any strength, or what its method learns cannot be tuned.
        """
        record, method = learned.record, load_plugins().method_of(learned.record)
        method.require_tunable(record)
        scene = self._scene(learned)
        free = (one for one in method.cores(record) if not method.needs(record, one, 1.0).runs)
        cores: list[Core | None] = [core] if core else [*free] or [None]
        place, (first, *others) = _Places(method, learned, scene.bench.backbone.schedule), times
        ran, runs = itertools.count(1), (len(cores) + len(others)) * len(STRENGTHS)
        search = _Search(scene, lambda: on_progress("tuning", next(ran), runs))
        best = search.least_costly(place.at(first, one) for one in cores)
        moved = (place.at(t_x, best.core) for t_x in others)
        best = search.least_costly(candidate for candidate in moved if candidate.learned is not learned)
        trials = tuple(sweep.trial(acts_once=place.acts_once(sweep.core)) for sweep in search.tried)
        chosen_one = search.tried.index(best)
        tuning = Tuning(judge=self.judge.name, oracle=self._is_oracle, trials=trials, chosen=chosen_one)
        return self._settled(best, tuning, acts_once=place.acts_once(best.core))

    def _settled(self, best: Sweep, tuning: Tuning, *, acts_once: bool) -> LearnedAttribute:
        """The attribute with what was found; cores that act on the way have strengths of their own, or go."""
        record, calibration = best.learned.record, best.calibration(self.judge.name, self._seeds)
        if calibration is None:
            hint = "Learn it from other prompts or on more seeds, or leave --tune out."
            raise InvalidValueError(f"{record.name} does not come at any strength that {self.judge.name} saw.", hint)
        update: dict[str, Any] = {"core": best.core, "calibration": calibration, "tuning": tuning}
        if acts_once and record.times:
            method = load_plugins().method_of(record)
            units = {core: size for core, size in record.units.items() if len(method.times(record, core)) == 1}
            update |= {"units": units, "times": ()}
        return replace(best.learned, record=record.model_copy(update=update))

    @cached_property
    def _bench(self) -> Bench:
        return Bench(self._backbone, self._prompt, self._seeds)

    @cached_property
    def _view(self) -> Any:
        return self.judge.look(self._bench.images(self._bench.unedited))

    def _scene(self, learned: LearnedAttribute) -> _Scene:
        subject = self.subject(learned)
        rows = self.judge.lacking(subject, self._view)
        if not rows.any():
            raise InvalidValueError(
                f"Every tuning picture has {subject.label}, so there is nothing to tune.",
                hint="Leave --tune out, or learn it from what the pictures lack.",
            )
        return _Scene(Hearing(self.judge, [subject]), subject, self._bench.only(rows), self._view[rows])


@dataclass(frozen=True)
class _Places:
    """Where an attribute can act with each of its cores."""

    method: Method
    learned: LearnedAttribute
    schedule: Schedule

    def acts_once(self, core: Core | None) -> bool:
        return len(self.method.times(self.learned.record, core)) == 1

    def at(self, t_x: float, core: Core | None) -> _Candidate:
        """With a core at a time, or at its own where it cannot be moved."""
        if not self.acts_once(core):
            return _Candidate(self.learned, core)
        try:
            return _Candidate(at_time(self.learned, core, t_x, self.schedule), core)
        except InvalidValueError:
            return _Candidate(self.learned, core)


@dataclass(frozen=True)
class _Scene:
    """The pictures that lack one attribute, and who looks at them."""

    hearing: Hearing
    subject: Subject
    bench: Bench
    view: Any

    def figures(self, latents: Tensor) -> dict[str, Values]:
        """Of edited clean latents: the judge's figures, (N,) each.

        A judge that knows no distance is helped out by that of the latents.
        """
        found = self.hearing.figures(self.subject, self.view, self.hearing.look(self.bench.images(latents)))
        known = {name: values.double().numpy() for name, values in found.items()}
        change = (latents - self.bench.unedited).double().flatten(1)
        known.setdefault("perceptual", change.square().mean(1).sqrt().numpy())
        return known

    def means(self, latents: Tensor) -> dict[str, float]:
        """The same, over the pictures."""
        return {name: float(values.mean()) for name, values in self.figures(latents).items()}

    def sweep(self, learned: LearnedAttribute, core: Core | None, on_run: Callable[[], None]) -> Sweep:
        """The attribute with one of its cores at every raw strength that it can have."""
        strengths, found = _raw_strengths(learned.record, core), []
        for strength in strengths:
            found.append(self.figures(self.bench.edited([self.bench.act(learned, strength, core, raw=True)])))
            on_run()
        values = {name: np.stack([figures[name] for figures in found]) for name in found[0]}
        unedited = self.figures(self.bench.unedited)["effect"]
        limit = self.hearing.limit(self.subject)
        return Sweep(learned, core, strengths, values, dict(limit), unedited)


class _Search:
    """What was tried so far."""

    def __init__(self, scene: _Scene, on_run: Callable[[], None]) -> None:
        self.tried: list[Sweep] = []
        self._scene, self._on_run = scene, on_run
        self._target = scene.means(scene.bench.switched(scene.subject.target, 1.0))

    def least_costly(self, candidates: Iterable[_Candidate]) -> Sweep:
        """Of all that was tried, once these were tried as well."""
        self.tried.extend(self._scene.sweep(*candidate, self._on_run) for candidate in candidates)
        return min(self.tried, key=lambda sweep: sweep.cost(self._target))


def _raw_strengths(record: AttributeRecord, core: Core | None) -> list[float]:
    """``STRENGTHS``, where ``learn`` has found strength 1 as multiples of that."""
    calibration, limits = calibration_of(record, core), load_plugins().method_of(record).strengths(record)
    full = calibration.raw[-1] if calibration else 1.0
    return [full * strength for strength in STRENGTHS if limits.low <= full * strength <= limits.high]


def tuning_of(
    spec: LearnSpec,
    source: str | None,
    *,
    judge: str | None = None,
    goal: str | None = None,
    on_warning: OnWarning = silent,
) -> Prepare:
    """How ``learn`` is to tune an attribute.

    What cannot be tuned is refused now, or, where only the loaded model or its judge can tell, before anything is
    learned.

    Args:
        spec: what is to be learned.
        source: the backbone, as the user names it.
        judge: who looks, as ``eval --judge`` has it; None is the backbone's own.
        goal: what the attribute promises, where its name does not tell.
        on_warning: told of a judge that does not know the truth.

    Raises:
        NotFoundError: there is no such judge.
        InvalidValueError: the backbone has none of its own, or what the method learns cannot be tuned.
    """
    source = source or default_backbone()
    load_plugins().method(spec.method).require_tunable(spec)
    choice = chosen(judge, source)
    if choice.name != ORACLE:
        on_warning(f"{choice.name} is no oracle: what it takes for {spec.name} is its opinion")

    def prepare(spec: LearnSpec, backbone: Backbone) -> Refine:
        tuner = _tuner(spec, backbone, source, choice, goal)
        tuner.aim(spec)
        return lambda learned, _, on_progress: tuner.tuned(learned, on_progress, core=spec.core)

    return prepare


def _tuner(spec: LearnSpec, backbone: Backbone, source: str, choice: Choice, goal: str | None) -> Tuner:
    prompt = backbone.defaults.prompt or next((pair.source for pair in spec.pairs), "")
    case = Case(backbone=backbone, prompt=prompt, split="tune", argument=choice.argument, source=source)
    return Tuner(backbone, choice.made(case), prompt, goal=goal, oracle=choice.name == ORACLE)
