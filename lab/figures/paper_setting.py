"""The paper's edit under any of its settings, on the pictures that lack an attribute, beside prompts."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.judges.readings import GOALS, PROMPTS, has_all, perceptual_distance
from attrbank.evaluation.numbers.estimates import mean
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Tail, Weights
from lab.figures.brief import Brief, brief


class Setting(NamedTuple):
    """What the paper chooses or leaves open, by default as published on the latents of ``portraits``, r = 32."""

    t_x: float = 0.8
    delta_tau: float = -0.3
    k: int = 16
    tail: Tail = "text"
    weights: Weights = "blend"
    guidance_scale: float = 3.0

    def __str__(self) -> str:
        t_x, delta_tau, k, tail, weights, guidance_scale = self
        times = f"T_x {t_x:g}, Δτ {delta_tau:g}".replace("-", "−")
        return f"{times}, k {k}, `{tail}`, `{weights}`, guidance {guidance_scale:g}"


class Lacking:
    """The pictures of a bench that lack an attribute, and how they fare with it.

    Args:
        bench: the pictures.
        judge: looks at them; it has to see some without the attribute.
        name: what is to come, of ``GOALS``.
    """

    def __init__(self, bench: Bench, judge: OracleJudge, name: str) -> None:
        before = judge.look(bench.images(bench.unedited))
        rows = ~has_all(before, (name,))
        self._bench, self._before, self._judge, self._name = bench.only(rows), before[rows], judge, name

    def grafted(self, setting: Setting, rho: float = 1.0) -> dict[str, Any]:
        """The paper's edit, with the exact minimiser and each picture's own z."""
        learned = _learned(self._bench, self._name, setting)
        found = self._figures(self._bench.edited([self._bench.act(learned, rho)]))
        return {"setting": setting._asdict(), "pictures": len(self._before), **found}

    def compared(self, setting: Setting) -> dict[str, Any]:
        """The paper's edit beside the target prompt, throughout and from the edit's own time on."""
        times = {f"target prompt from {since:g}": since for since in (1.0, setting.t_x)}
        switched = {label: self._bench.switched(PROMPTS[self._name], since) for label, since in times.items()}
        return {**self.grafted(setting), "prompts": {label: self._figures(x) for label, x in switched.items()}}

    def _figures(self, latents: Tensor) -> Brief:
        after = self._judge.look(self._bench.images(latents))
        found = brief(has_all(after, (self._name,)), self._before, after, GOALS[self._name].value)
        return {**found, "distance": mean(perceptual_distance(self._before, after).double().numpy()).model_dump()}


def _learned(bench: Bench, name: str, setting: Setting) -> LearnedAttribute:
    options = setting._asdict() | {"solver": "exact", "z": "own", "seeds": (0,), "steps": bench.trajectory.end}
    spec = complete(learn_spec(name, [bench.prompt], [PROMPTS[name]], vectors="paper", **options), bench.backbone)
    method, sampler = load_plugins().method(spec.method), bench.trajectory.sampler
    return learn_attribute(spec, method, bench.backbone, sampler, force=True)  # that one teaches little is a finding
