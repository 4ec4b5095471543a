"""Every way to bring an attribute into a picture that an evaluation compares, but for methods that learn it anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.editing.acting import ready
from attrbank.editing.composition import Act
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.competitor import SHARES, TIMES, UNBOUNDED, Competitor, Trials
from attrbank.evaluation.bench.relearned import PREFIX, Relearned, TextDirection, named, registered
from attrbank.evaluation.bench.rival_edits import BlendWithTarget, RandomDirection, SingularValuesOfTarget
from attrbank.evaluation.bench.shelf import Shelf
from attrbank.evaluation.bench.subjects import Subject
from attrbank.methods.protocol import LASTING, Edit
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Core


@dataclass
class Stored(Competitor):
    """The attribute as ``apply`` has it, or with another of its cores."""

    core: Core | None = None

    def _trials(self, subject: Subject) -> Trials:
        return _trials_of(subject)

    def fits(self, subject: Subject) -> bool:
        """Not if the attribute lacks the core, or has it by default."""
        record = subject.learned.record
        return self.core is None or (self.core in record.units and self.core != record.core)

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """With the edit that ``apply`` would make of it."""
        return bench.edited([bench.act(subject.learned, strength, self.core)])


@dataclass
class TargetPrompt(Competitor):
    """The target prompt throughout, from the same noise."""

    trials: ClassVar[Trials] = Trials((1.0,), (1.0,))
    free: ClassVar[bool] = False

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """Under the target prompt from the first step on; the strength is always 1."""
        return bench.switched(subject.target, 1.0)


@dataclass
class PromptSwitch(Competitor):
    """The target prompt from a time fraction on, which is the strength: the earlier (noisier), the stronger."""

    trials: ClassVar[Trials] = TIMES
    free: ClassVar[bool] = False

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """Under both prompts, one after the other."""
        return bench.switched(subject.target, strength)


@dataclass
class Interpolation(Competitor):
    """The conditioning (1−s)·source + s·target throughout."""

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """Under a prompt between both."""
        if strength == 1:
            return bench.switched(subject.target, 1.0)
        source, target = bench.runs.conditioning(bench.prompt), bench.runs.conditioning(subject.target)
        return bench.under({name: torch.lerp(source[name], target[name], strength) for name in source})


@dataclass
class LatentBlend(Competitor):
    """At the attribute's T_x, (1−s)·x + s·z, with z the target prompt's latent there from the same noise."""

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """From the blend on under the source prompt."""
        t_x = subject.learned.record.t_x
        return bench.edited([Act(bench.index_of(t_x), BlendWithTarget(subject.target, t_x), strength)])


@dataclass
class Placebo(Competitor):
    """As large a change as the attribute makes, in the same place, but in a random direction.

    For the paper's vectors, the same graft from a random z.
    """

    def _trials(self, subject: Subject) -> Trials:
        return _trials_of(subject)

    def fits(self, subject: Subject) -> bool:
        """Not if the attribute acts through the model or the prompt, where no direction is to be had."""
        return not isinstance(ready(subject.learned, 1.0).edit, LASTING)

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """With an edit that knows nothing."""
        learned, generator = subject.learned, torch.Generator().manual_seed(0)
        if learned.record.vectors == "paper":
            noise = torch.randn(learned.tensors["z"].shape, generator=generator)
            learned = LearnedAttribute(learned.record, {**learned.tensors, "z": noise})
            return bench.edited([bench.act(learned, strength)])
        act = bench.act(learned, strength)
        noise = torch.randn(bench.backbone.latent_shape, generator=generator)
        return bench.edited([replace(act, edit=RandomDirection(cast(Edit, act.edit), noise))])


@dataclass
class PaperWithoutNetwork(Competitor):
    """The paper's edit at its own T_x and T_z, with the singular values of z in place of what Φ would say."""

    t_x: ClassVar[float] = 0.8
    t_z: ClassVar[float] = 0.5

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """With Algorithm 1, S = S_z."""
        edit = SingularValuesOfTarget(subject.target, self.t_z)
        return bench.edited([Act(bench.index_of(self.t_x), edit, strength)])


def _trials_of(subject: Subject) -> Trials:
    """Shares of the full effect, where an attribute can have no more."""
    record = subject.learned.record
    return SHARES if load_plugins().method_of(record).strengths(record).high <= 1 else UNBOUNDED


ATTRIBUTE = Stored("attribute")
BASELINES: tuple[Competitor, ...] = (
    TargetPrompt("target-prompt"),
    PromptSwitch("prompt-switch"),
    Interpolation("interpolation"),
    LatentBlend("latent-blend"),
    Placebo("random-z"),
    PaperWithoutNetwork("s_z"),
)
CORES: tuple[Competitor, ...] = (
    Stored("mean", core="mean"),
    Stored("mlp", core="mlp"),
    Stored("conv", core="conv"),
    Stored("own", core="own"),
    Stored("live", core="live"),
    Stored("path", core="path"),
)
GROUPS = ("baselines", "cores", "methods", "all", "none")
"""Names that stand for several competitors; ``methods`` are those that are registered."""


def chosen(against: Sequence[str], methods: Sequence[str] = (), shelf: Shelf | None = None) -> tuple[Competitor, ...]:
    """The attribute itself, then who it is compared with, each once.

    Args:
        against: names of competitors and of ``GROUPS``.
        methods: registered methods that learn the same attribute again; see ``relearned.named``.
        shelf: where they put what they learn; by default in memory.

    Raises:
        InvalidValueError: there is no such competitor.
    """
    shelf = shelf or Shelf()
    paper, text = Relearned("paper", preset="paper", shelf=shelf), TextDirection("text-direction", shelf=shelf)
    every = (*BASELINES, *CORES, paper, *registered(shelf))
    known: dict[str, tuple[Competitor, ...]] = {
        "baselines": BASELINES,
        "cores": CORES,
        "methods": registered(shelf),
        "all": every,
        "none": (),
    }
    known |= {competitor.name: (competitor,) for competitor in (*BASELINES, *CORES, paper, text)}
    found: dict[str, Competitor] = {ATTRIBUTE.name: ATTRIBUTE}
    for name in against:
        if name not in known:
            raise InvalidValueError(f"There is no competitor {name!a}.", hint=f"Known: {', '.join(known)}.")
        found |= {competitor.name: competitor for competitor in known[name]}
    found |= {f"{PREFIX}{name}": named(name, shelf) for name in methods}
    return tuple(found.values())
