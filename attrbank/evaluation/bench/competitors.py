"""Every way to bring an attribute into a picture that an evaluation compares.

A competitor has a name and strengths to be tried at, and makes the pictures of a bench again with the attribute in
them, from the same noise in the same steps. Strengths run from weak to strong; what they mean differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.protocols import Backbone
from attrbank.editing.acting import ready
from attrbank.editing.composition import Act
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.rival_edits import BlendWithTarget, RandomDirection, SingularValuesOfTarget
from attrbank.evaluation.bench.subjects import Subject
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.protocol import LASTING, Edit
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Core, Preset
from attrbank.schema.stored import AttributeRecord


class Trials(NamedTuple):
    """The strengths that a competitor is tried at: all of them, or the few of a quick look."""

    full: tuple[float, ...]
    quick: tuple[float, ...]


UNBOUNDED = Trials((0.4, 0.7, 1.0, 1.3, 1.6), (0.7, 1.0, 1.3))
SHARES = Trials((0.25, 0.5, 0.75, 1.0), (0.5, 1.0))
SEEDS_OF_A_DIRECTION = 16
TIMES = Trials((0.4, 0.5, 0.6, 0.7, 0.8, 0.9), (0.5, 0.8, 0.9))


@dataclass
class Competitor:
    """One way to do it.

    Attributes:
        name: as reports and ``--against`` call it.
        trials: its strengths by default.
        free: whether users may choose its strengths; a share then lies in [0, 1].
    """

    name: str
    trials: ClassVar[Trials] = SHARES
    free: ClassVar[bool] = True

    def strengths(self, asked: Sequence[float] | None, subject: Subject, *, quick: bool) -> tuple[float, ...]:
        """Where it is measured, from weak to strong.

        Args:
            asked: what the user wants instead of these.
            subject: the attribute.
            quick: take fewer.
        """
        trials = self._trials(subject)
        if asked is None or not self.free:
            return trials.quick if quick else trials.full
        return tuple(sorted(s for s in asked if trials is UNBOUNDED or 0 <= s <= 1)) or (1.0,)

    def _trials(self, subject: Subject) -> Trials:
        return self.trials

    def runs_on(self, backbone: Backbone) -> bool:
        """Whether the model can do what it takes."""
        return True

    def fits(self, subject: Subject) -> bool:
        """Whether there is anything to measure that another competitor does not measure as well."""
        return True

    def prepare(self, bench: Bench, subject: Subject) -> None:
        """What is done once for all strengths and counts for none."""

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """The clean latents (B, C, H, W) of the bench's pictures with the attribute."""
        raise NotImplementedError


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
class Relearned(Competitor):
    """The same attribute, learned another way from what this one was learned from, with the same sampler and steps.

    With the preset ``paper``: from one pair and one seed, as published.
    """

    method: str = "avi"
    preset: Preset | None = None
    _learned: dict[str, LearnedAttribute] = field(default_factory=dict, repr=False)

    def _trials(self, subject: Subject) -> Trials:
        return SHARES if self.preset == "paper" else UNBOUNDED

    def fits(self, subject: Subject) -> bool:
        """Not if another method would have to learn from pictures."""
        return self.preset == "paper" or bool(subject.learned.record.pairs)

    def prepare(self, bench: Bench, subject: Subject) -> None:
        """Learn the attribute once, and keep it for all strengths; raises as ``learn`` does."""
        if subject.id in self._learned:
            return
        record, plugins = subject.learned.record, load_plugins()
        run: dict[str, Any] = {
            "sampler": record.sampler,
            "steps": record.steps,
            "guidance_scale": record.guidance_scale,
        }
        if self.preset == "paper":
            asked = learn_spec(record.name, [bench.prompt], [subject.target], preset="paper", **run)
        else:
            sources, targets = zip(*((pair.source, pair.target) for pair in record.pairs), strict=True)
            seeds = self._seeds(record)
            asked = learn_spec(record.name, sources, targets, seeds=seeds, method=self.method, **run)
        spec = complete(asked, bench.backbone, self.preset)
        sampler = plugins.sampler(spec.sampler)
        self._learned[subject.id] = learn_attribute(
            spec, plugins.method(spec.method), bench.backbone, sampler, force=True
        )

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """With the edit of what ``prepare`` learned."""
        return bench.edited([bench.act(self._learned[subject.id], strength)])

    def _seeds(self, record: AttributeRecord) -> tuple[int, ...]:
        """Those that the attribute was learned from."""
        return record.seeds


@dataclass
class TextDirection(Relearned):
    """The same attribute as a direction of the text encoder, distilled from its pairs; see docs/method.md 8."""

    method: str = "text"

    def runs_on(self, backbone: Backbone) -> bool:
        """Not if the model does not tell where words are."""
        return hasattr(backbone, "token_spans")

    def _seeds(self, record: AttributeRecord) -> tuple[int, ...]:
        """As many as it makes use of."""
        return record.seeds[: max(SEEDS_OF_A_DIRECTION, len(record.pairs))]


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
OTHERS: tuple[Competitor, ...] = (
    Stored("mean", core="mean"),
    Stored("mlp", core="mlp"),
    Stored("conv", core="conv"),
    Stored("own", core="own"),
    Stored("live", core="live"),
    Stored("path", core="path"),
    Relearned("paper", preset="paper"),
    TextDirection("text-direction"),
)


def chosen(against: Sequence[str], methods: Sequence[str] = ()) -> tuple[Competitor, ...]:
    """The attribute itself, then who it is compared with, each once.

    Args:
        against: names of competitors; ``baselines``, ``all`` and ``none`` stand for several.
        methods: registered methods that learn the same attribute again.

    Raises:
        InvalidValueError: there is no such competitor.
    """
    every = (*BASELINES, *OTHERS)
    known: dict[str, tuple[Competitor, ...]] = {"baselines": BASELINES, "all": every, "none": ()}
    known |= {competitor.name: (competitor,) for competitor in every}
    found: dict[str, Competitor] = {ATTRIBUTE.name: ATTRIBUTE}
    for name in against:
        if name not in known:
            raise InvalidValueError(f"There is no competitor {name!a}.", hint=f"Known: {', '.join(known)}.")
        found |= {competitor.name: competitor for competitor in known[name]}
    found |= {f"method:{name}": Relearned(f"method:{name}", method=name) for name in methods}
    return tuple(found.values())
