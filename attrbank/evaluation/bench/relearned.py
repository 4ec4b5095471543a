"""Competitors that learn the same attribute anew: with another method, another core, or as published."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from torch import Tensor

from attrbank.attribute.artifact import encode
from attrbank.diffusion.protocols import Backbone
from attrbank.errors import AttrbankError, InvalidValueError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.competitor import SHARES, WIDE, Competitor, Trials
from attrbank.evaluation.bench.shelf import Shelf
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.numbers.results import Learning
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import DEFAULT_METHOD, LearnSpec
from attrbank.schema.choices import Core, Preset

PREFIX = "method:"
"""Of the names of competitors that are registered methods: ``method:loco/own`` has the core *own*."""

CORES: tuple[Core, ...] = get_args(Core)


@dataclass
class Relearned(Competitor):
    """The same attribute, learned another way from what this one was learned from, with the same sampler and steps.

    From as many of its seeds as the method takes by default. With the preset ``paper``: from one pair and one seed, as
    published.

    Attributes:
        core: which of the method's; None is its default.
        invited: whether it was not asked for by name, and stays away where it does not fit.
        shelf: where it puts what it has learned.
    """

    method: str = DEFAULT_METHOD
    preset: Preset | None = None
    core: Core | None = None
    invited: bool = False
    shelf: Shelf = field(default_factory=Shelf, repr=False)

    def _trials(self, subject: Subject) -> Trials:
        return SHARES if self.preset == "paper" else WIDE

    def fits(self, subject: Subject) -> bool:
        """Not if another method would have to learn from pictures, or is the attribute's own and nobody asks for it."""
        record = subject.learned.record
        own = self.invited and record.method.partition(":")[0] == self.method.partition(":")[0]
        return self.preset == "paper" or (bool(record.pairs) and not own)

    def expanded(self, bench: Bench, subject: Subject) -> Sequence[Competitor]:
        """Of an invited method that can be learned with several cores, a competitor each.

        Of the default one the cores are competitors already, and need not be learned again.
        """
        if not self.invited or self.core is not None or self.method == DEFAULT_METHOD:
            return (self,)
        return tuple(self._with_cores(bench, subject)) or (self,)

    def _with_cores(self, bench: Bench, subject: Subject) -> Iterator[Competitor]:
        if "core" in load_plugins().method(self.method).options:
            for core in CORES:
                one = replace(self, name=f"{self.name}/{core}", core=core)
                if one.unsuited(bench, subject) is None:
                    yield one

    def unsuited(self, bench: Bench, subject: Subject) -> str | None:
        """What the method says against this pair or this model, if it was not asked for by name."""
        try:
            if self.invited:
                self._spec(bench, subject)
        except AttrbankError as error:
            return error.message
        return None

    def prepare(self, bench: Bench, subject: Subject) -> None:
        """Learn the attribute once, and keep it for all strengths; raises as ``learn`` does."""
        if self.shelf.get(subject, self.name):
            return
        spec, plugins, spent = self._spec(bench, subject), load_plugins(), list[int]()
        method, sampler, began = plugins.method(spec.method), plugins.sampler(spec.sampler), time.perf_counter()
        learned = learn_attribute(spec, method, bench.backbone, sampler, force=True, on_spent=spent.append)
        learning = Learning(
            seeds=len(spec.seeds),
            evaluations=sum(spent),
            seconds=time.perf_counter() - began,
            size_bytes=len(encode(learned)),
        )
        self.shelf.keep(subject, self.name, learned, learning)

    def can_have(self, subject: Subject, strength: float) -> bool:
        """Not beyond what the method allows."""
        kept = self.shelf.get(subject, self.name)
        if kept is None:
            return True
        low, high, *_ = load_plugins().method_of(kept.attribute.record).strengths(kept.attribute.record)
        return low <= strength <= high

    def learning(self, subject: Subject) -> Learning | None:
        """What it took."""
        kept = self.shelf.get(subject, self.name)
        return kept and kept.learning

    def latents(self, bench: Bench, subject: Subject, strength: float) -> Tensor:
        """With the edit of what ``prepare`` learned."""
        kept = self.shelf.get(subject, self.name)
        if kept is None:
            raise ValueError(f"{self.name} was not prepared")
        return bench.edited([bench.act(kept.attribute, strength)])

    def _spec(self, bench: Bench, subject: Subject) -> LearnSpec:
        """What is learned; raises where the method or the model is against it."""
        spec = complete(self._asked(bench, subject), bench.backbone, self.preset)
        load_plugins().method(spec.method).check(spec, bench.backbone)
        return spec

    def _asked(self, bench: Bench, subject: Subject) -> LearnSpec:
        record = subject.learned.record
        how: dict[str, Any] = {
            "sampler": record.sampler,
            "steps": record.steps,
            "guidance_scale": record.guidance_scale,
        }
        if self.preset == "paper":
            return learn_spec(record.name, [bench.prompt], [subject.target], preset="paper", **how)
        how |= {"method": self.method, "core": self.core}
        sources, targets = zip(*((pair.source, pair.target) for pair in record.pairs), strict=True)
        usual = learn_spec(record.name, sources, targets, **how)
        seeds = record.seeds[: max(len(usual.seeds), len(sources))]
        return learn_spec(record.name, sources, targets, seeds=seeds, **how)


@dataclass
class TextDirection(Relearned):
    """The same attribute as a direction of the text encoder, distilled from its pairs; see docs/method.md 8."""

    method: str = "text"

    def runs_on(self, backbone: Backbone) -> bool:
        """Not if the model does not tell where words are."""
        return hasattr(backbone, "token_spans")


def named(text: str, shelf: Shelf) -> Relearned:
    """The competitor that ``--method`` names: a method with its parameters and, behind a stroke, one of its cores.

    Raises:
        InvalidValueError: there is no such core.
    """
    method, stroke, core = text.rpartition("/")
    if not stroke:
        return Relearned(f"{PREFIX}{text}", method=text, shelf=shelf)
    if core not in CORES:
        raise InvalidValueError(f"There is no core {core!a}.", hint=f"Known: {', '.join(CORES)}.")
    return Relearned(f"{PREFIX}{text}", method=method, core=core, shelf=shelf)


def registered(shelf: Shelf) -> tuple[Relearned, ...]:
    """Every method that there is, with its defaults; those that do not fit stay away."""
    names = (registration.spec.name for registration in load_plugins().registrations("method"))
    return tuple(Relearned(f"{PREFIX}{name}", method=name, invited=True, shelf=shelf) for name in names)
