"""What a tuner looks with, and what it chooses: the core, T_x and strength that cost least in its own eyes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Trajectory
from attrbank.evaluation import tuning
from attrbank.evaluation.judges import oracle
from attrbank.evaluation.judges.judge import Judge
from attrbank.evaluation.judges.readings import PROMPTS
from attrbank.evaluation.tuning import Tuner
from attrbank.learning.request import learn_spec
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from tests.helpers.tiny_bench import SOURCE

CORES = ("mean", "mlp", "conv")


class Tried(NamedTuple):
    """One edit, as far as a tuner may vary it; a strength of 0 is the unedited picture."""

    t_x: float = 0.2
    core: str = "mean"
    strength: float = 0.0


class Seen(NamedTuple):
    """What the judge sees of it."""

    effect: float
    flips: float = 0.1


class Edits:
    """A bench that makes no pictures: its latents say which edit made them, (B, 3)."""

    def __init__(self, backbone: Backbone, prompt: str, seeds: Sequence[int]) -> None:
        grid = DDIM().grid(10, backbone.schedule)
        self.trajectory = Trajectory(backbone, DDIM(), grid=grid, guidance_scale=1.0)
        self.backbone, self.prompt, self.seeds = backbone, prompt, tuple(seeds)
        self.unedited = self.edited([Tried()])

    def act(self, attribute: LearnedAttribute, strength: float, core: str, *, raw: bool) -> Tried:
        return Tried(attribute.record.t_x, core, strength)

    def edited(self, acts: Sequence[Tried]) -> Tensor:
        (act,) = acts
        row = [act.t_x, float(CORES.index(act.core)), act.strength]
        return torch.tensor(row, dtype=torch.float64).repeat(len(self.seeds), 1)

    def switched(self, target: str, fraction: float) -> Tensor:
        return self.edited([Tried(strength=1.0)])

    def only(self, rows: Tensor) -> Edits:
        return self

    def images(self, latents: Tensor) -> Tensor:
        return latents


Sees = Callable[[Tried], Seen]


@pytest.fixture
def tuned(backbone, learned, monkeypatch) -> Callable[[Sees], LearnedAttribute]:
    """Tunes the attribute with eyes that are a function of the edit."""

    def tune(sees: Sees) -> LearnedAttribute:
        class Eyes(Judge):
            name, goals = "tuner", PROMPTS

            def look(self, images: Tensor) -> Tensor:
                return images

            def lacking(self, subject, view: Tensor) -> Tensor:
                return torch.ones(len(view), dtype=torch.bool)

            def effect(self, subject, view: Tensor) -> Tensor:
                return self.figures(subject, view, view)["effect"]

            def figures(self, subject, before: Tensor, after: Tensor) -> Mapping[str, Tensor]:
                t_x, core, strength = after[0].tolist()
                seen = sees(Tried(t_x, CORES[int(core)], strength))
                figures = {**seen._asdict(), "identity": 0.3, "perceptual": 0.5}
                return {name: torch.full((len(after),), value) for name, value in figures.items()}

            def limit(self, subject) -> Mapping[str, float]:
                return {"perceptual": 1.0}

        monkeypatch.setattr(tuning, "Bench", Edits)
        return Tuner(backbone, Eyes(), SOURCE, (1000, 1001)).tuned(learned)

    return tune


def test_only_the_tuners_eyes_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, real = [], oracle.load
    monkeypatch.setattr(oracle, "load", lambda role, *rest: opened.append(role) or real(role, *rest))
    model = load_plugins().backbone("portraits")
    asked = learn_spec("old", [SOURCE], ["a photo of an old person"])
    prepare = tuning.tuning_of(asked, "portraits")
    prepare(asked, model)
    assert opened == ["tuner"]


@pytest.mark.parametrize("best", [0.2, 0.3])
def test_an_attribute_acts_at_the_time_that_costs_least(best: float, tuned) -> None:
    found = tuned(lambda tried: Seen(5 * tried.strength - 1, flips=0.1 if tried.t_x == best else 0.2))
    assert found.record.t_x == best


@pytest.mark.parametrize("best", CORES)
def test_an_attribute_uses_the_core_that_costs_least(best: str, tuned) -> None:
    found = tuned(lambda tried: Seen(5 * tried.strength - 1, flips=0.1 if tried.core == best else 0.2))
    assert (found.record.core, found.record.calibration.core) == (best, best)
