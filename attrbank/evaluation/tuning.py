"""Choosing when an attribute acts and what its strengths mean, on tuning seeds and with the tuner's eyes only."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.split import require_split
from attrbank.evaluation.bench.subjects import RENDERED, Subject, goal_of, target_prompt
from attrbank.evaluation.judges.judge import Judge
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.numbers.curves import GOAL, Values, matched, usable
from attrbank.learning.run import Refine
from attrbank.methods.protocol import OnProgress, quiet
from attrbank.names import When
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import LearnSpec
from attrbank.schema.fields import ON_THE_WAY, Core
from attrbank.schema.stored import Calibration

TIMES = (0.2, 0.3)
"""The first is where cores are compared. Later, a prompt that says the opposite has less time to take an edit back."""
STRENGTHS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
SURE = 1.0
"""The logit from which on the tuner's yes counts. Another pair of eyes puts its border a little elsewhere."""
SEEDS = tuple(range(1000, 1064))
MARGIN = 1.2
"""Strength 1 is this much more than what just suffices on the tuning seeds, under a prompt that does not resist."""
BEHIND = 0.25
"""The share of pictures that may lag behind what a strength promises. A mean would promise nothing to any: pictures
turn at once, each at a strength of its own, so that at .7 of the mean effect a quarter have not turned at all."""


def at_time(learned: LearnedAttribute, core: Core | None, t_x: float, schedule: Schedule) -> LearnedAttribute:
    """The attribute with one of its cores at another time; raises as its method does (``Method.moved``)."""
    method = load_plugins().method_of(learned.record)
    return replace(learned, record=method.moved(learned.record, core, When(t_x), schedule))


def _at_once(learned: LearnedAttribute) -> LearnedAttribute:
    """The attribute without what acts at several times, which no tuning moves."""
    record = learned.record
    if not record.times:
        return learned
    units = {core: size for core, size in record.units.items() if core not in ON_THE_WAY}
    update = {"times": (), "units": units, "calibration": None, "core": None}
    return LearnedAttribute(record.model_copy(update=update), learned.tensors)


@dataclass(frozen=True)
class Sweep:
    """One attribute at the raw ``STRENGTHS``, on the pictures that lack it.

    Attributes:
        learned: the attribute, uncalibrated.
        core: which of its cores.
        values: figures of the judge by name, (S, N).
        limit: the figures of a perfect edit.
        unedited: the effect without an edit, (N,).
    """

    learned: LearnedAttribute
    core: Core
    values: Mapping[str, Values]
    limit: Mapping[str, float]
    unedited: Values

    def cost(self, target: Mapping[str, float]) -> tuple[float, float]:
        """How far success stays below .95 at best, then what else changes there, in shares of the target prompt's.

        Less is better: first an attribute has to come, then to leave the rest alone.
        """
        found = matched(STRENGTHS, self.values, self.limit).figures
        shares = [found[name].value / max(target[name], 1e-3) for name in ("flips", "identity")]
        return max(0.0, GOAL - found["success"].value), sum(shares)

    def calibration(self, judge: str, seeds: Sequence[int]) -> Calibration | None:
        """At strength s three pictures in four have s or more of their effect at 1; None if it never comes."""
        means = {name: values.mean(1) for name, values in self.values.items()}
        lasting = usable(STRENGTHS, means["success"], means["effect"], means["perceptual"], self.limit["perceptual"])
        if lasting is None:
            return None
        full = min(MARGIN * matched(STRENGTHS, self.values, self.limit).strength, STRENGTHS[-1])
        points = self._shares(full)
        return Calibration(
            core=self.core,
            strengths=tuple(strength for strength, _ in points),
            raw=tuple(raw for _, raw in points),
            low=0.0,
            high=round(max(1.0, lasting[1] / full), 2),
            judge=judge,
            seeds=tuple(seeds),
        )

    def _shares(self, full: float) -> list[tuple[float, float]]:
        """The points (share, raw strength) up to (1, full)."""
        known, effects = np.array([0.0, *STRENGTHS]), np.vstack([self.unedited, self.values["effect"]])
        raw = np.union1d(known[known < full], full)
        gains = np.stack([np.interp(raw, known, picture) - picture[0] for picture in effects.T], 1)
        grown = gains[:, gains[-1] > 0]
        return _rising(np.quantile(grown / grown[-1], BEHIND, axis=1), raw)


def _rising(shares: Values, raw: Values) -> list[tuple[float, float]]:
    """The points (share, raw strength) between 0 and 1 at which the effect has grown."""
    kept = [(0.0, 0.0)]
    for share, strength in zip(shares[:-1].round(4).tolist(), raw[:-1].round(4).tolist(), strict=True):
        if kept[-1][0] < share < 1 and strength > 0:
            kept.append((share, strength))
    return [*kept, (1.0, round(float(raw[-1]), 4))]


class Tuner:
    """Pictures of the tuning seeds, on which any number of attributes are tuned.

    Args:
        backbone: what generates; the oracle reads ``portraits`` only.
        prompt: of the pictures.
        seeds: of the pictures.
    """

    def __init__(self, backbone: Backbone, prompt: str, seeds: Sequence[int] = SEEDS) -> None:
        require_split("tune", seeds)
        self.judge: Judge = OracleJudge("tuner")
        self._bench = Bench(backbone, prompt, seeds)
        self._view = self.judge.look(self._bench.images(self._bench.unedited))

    def tuned(
        self, learned: LearnedAttribute, on_progress: OnProgress = quiet, times: Sequence[float] = TIMES
    ) -> LearnedAttribute:
        """The attribute with the core and at the T_x that change least beside it, with calibrated strengths.

        The core is chosen first, at the first of the times, among those that take no run of another prompt. Every core,
        every other time and every raw strength costs a run from T_x on of the pictures that lack the attribute.

        Raises:
            InvalidValueError: no oracle knows what the name promises, every picture has it already, it does not come
                at any strength, or what its method learns cannot be tuned.
        """
        given, learned = learned, _at_once(learned)
        record, method = learned.record, load_plugins().method_of(learned.record)
        method.require_tunable(record)
        scene = self._scene(learned)
        target = scene.means(scene.bench.switched(scene.subject.target, 1.0))
        cores = [core for core in method.cores(record) if not method.needs(record, core, 1.0).runs]
        first, *others = times
        ran, runs = itertools.count(1), (len(cores) + len(others)) * len(STRENGTHS)

        def least_costly(tries: Iterable[tuple[float, Core]], *known: Sweep) -> Sweep:
            schedule = scene.bench.backbone.schedule
            moved = ((at_time(learned, core, t_x, schedule), core) for t_x, core in tries)
            sweeps = [scene.sweep(*one, lambda: on_progress("tuning", next(ran), runs)) for one in moved]
            return min([*known, *sweeps], key=lambda sweep: sweep.cost(target))

        best = least_costly((first, core) for core in cores)
        best = least_costly(((t_x, best.core) for t_x in others), best)
        calibration = best.calibration(self.judge.name, self._bench.seeds)
        if calibration is None and given is not learned:
            return given  # what is banked does not come, and so learn was right
        if calibration is None:
            hint = "Learn it from other prompts or on more seeds."
            raise InvalidValueError(f"{record.name} does not come at any strength.", hint)
        tuned = best.learned.record.model_copy(update={"core": best.core, "calibration": calibration})
        return LearnedAttribute(tuned, best.learned.tensors)

    def _scene(self, learned: LearnedAttribute) -> _Scene:
        record = learned.record
        goal = goal_of(record.name)
        target = target_prompt(record, self._bench.prompt, goal)
        subject = Subject(record.name, "", 0, learned, target, goal)
        rows = self.judge.lacking(subject, self._view)
        if not rows.any():
            raise InvalidValueError(f"Every tuning picture has {record.name}, so there is nothing to tune.")
        return _Scene(self.judge, subject, self._bench.only(rows), self._view[rows])


@dataclass(frozen=True)
class _Scene:
    """The pictures that lack one attribute, and who looks at them."""

    judge: Judge
    subject: Subject
    bench: Bench
    view: Any

    def figures(self, latents: Tensor) -> dict[str, Values]:
        """Of edited clean latents: the judge's figures, (N,) each."""
        found = self.judge.figures(self.subject, self.view, self.judge.look(self.bench.images(latents)))
        known = {name: values.double().numpy() for name, values in found.items()}
        return known | {"success": (known["effect"] > SURE).astype(float)}

    def means(self, latents: Tensor) -> dict[str, float]:
        """The same, over the pictures."""
        return {name: float(values.mean()) for name, values in self.figures(latents).items()}

    def sweep(self, learned: LearnedAttribute, core: Core, on_run: Callable[[], None]) -> Sweep:
        """The attribute with one of its cores at every raw strength."""
        found = []
        for strength in STRENGTHS:
            found.append(self.figures(self.bench.edited([self.bench.act(learned, strength, core)])))
            on_run()
        values = {name: np.stack([figures[name] for figures in found]) for name in found[0]}
        unedited = self.figures(self.bench.unedited)["effect"]
        return Sweep(learned, core, values, dict(self.judge.limit(self.subject)), unedited)


def require_tunable(spec: LearnSpec, backbone: str | None) -> None:
    """Refuse to learn for tuning what could not be tuned afterwards.

    Raises:
        InvalidValueError: no oracle knows what the name promises or reads this backbone's pictures, or what the method
            learns cannot be tuned.
    """
    goal_of(spec.name)
    if backbone not in (None, RENDERED):
        raise InvalidValueError(f"No oracle reads the pictures of {backbone}, so --tune cannot look at them.")
    load_plugins().method(spec.method).require_tunable(spec)


def tune(learned: LearnedAttribute, backbone: Backbone, on_progress: OnProgress = quiet) -> LearnedAttribute:
    """What ``learn --tune`` does with an attribute before it is stored; see ``Tuner.tuned``."""
    return Tuner(backbone, backbone.defaults.prompt).tuned(learned, on_progress)


def tuning_of(spec: LearnSpec, backbone: str | None) -> Refine:
    """How ``learn`` is to tune an attribute; what could not be tuned is refused now, as by ``require_tunable``."""
    require_tunable(spec, backbone)
    return tune
