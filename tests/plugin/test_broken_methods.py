"""Each promise of a method is one that something can break: here is one culprit for each."""

from __future__ import annotations

import pytest
import torch

from attrbank.diffusion.prediction import from_epsilon
from attrbank.methods.needs import Needs, OtherRun
from attrbank.methods.pairs import predict_clean_pairs
from attrbank.methods.protocol import Learned
from attrbank.plugin.contracts import MethodContract
from tests.helpers.promises import Gaussian, broken


class Prompted(Gaussian):
    """Data around a mean that is the larger the longer the prompt."""

    unit = 0.05

    def predict(self, latent, timestep, conditioning):
        alpha_bar, mean = self.schedule.alpha_bar(timestep), self.unit * conditioning["length"][..., None, None]
        return from_epsilon(latent, (1 - alpha_bar) ** 0.5 * (latent - alpha_bar**0.5 * mean), alpha_bar)


class Adds:
    """A sound method: it adds the mean difference of what both prompts become."""

    name = "adds"

    def learn(self, context):
        source, target = predict_clean_pairs(context)
        return Learned({"difference": (target - source).mean(0)})

    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x + strength * tensors["difference"] if strength else x


class LearnsNothing(Adds):
    def learn(self, context):
        return Learned({})


class LearnsNoNumber(Adds):
    def learn(self, context):
        return Learned({"difference": torch.nan * super().learn(context).tensors["difference"]})


class LearnsByChance(Adds):
    def learn(self, context):
        return Learned({"difference": torch.randn(context.trajectory.backbone.latent_shape)})


class KeepsItToItself(Adds):
    """Does not store what it needs."""

    def learn(self, context):
        self.kept = super().learn(context).tensors["difference"]
        return Learned({"difference": torch.zeros_like(self.kept)})

    def edit(self, record, tensors, core=None):
        return super().edit(record, {"difference": self.kept}, core)


class NeverAtRest(Adds):
    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x + (strength + 1e-6) * tensors["difference"]


class DoesNothing(Adds):
    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x


class EditsByChance(Adds):
    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x + strength * torch.randn_like(x)


class EditsInPlace(Adds):
    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x.add_(strength * tensors["difference"])


class ChangesTheModel(Adds):
    """Changes the very model that the unedited picture still needs."""

    until = 0.0

    def edit(self, record, tensors, core=None):
        return self

    def through(self, backbone, strength):
        backbone.unit += 0.1 * strength
        return backbone


class HidesItsCost(Adds):
    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x + strength * inputs.predict(x).x0 if strength else x


class LooksUnsaid(Adds):
    """Asks for the unedited picture's clean latent, and does not say so."""

    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x + strength * (tensors["difference"] + inputs.clean()) if strength else x


class MakesUpItsCost(Adds):
    def needs(self, record, core, strength):
        return Needs(runs=(OtherRun(0.4),))


@pytest.mark.parametrize(
    ("method", "promise"),
    [
        (LearnsNothing, "it learns an attribute"),
        (LearnsNoNumber, "it learns an attribute"),
        (LearnsByChance, "learning repeats itself"),
        (KeepsItToItself, "an attribute survives its artifact"),
        (NeverAtRest, "strength zero is the identity"),
        (DoesNothing, "strength one changes the picture"),
        (EditsByChance, "strength one changes the picture"),
        (EditsInPlace, "the unedited picture is what it would be without the edit"),
        (ChangesTheModel, "the unedited picture is what it would be without the edit"),
        (HidesItsCost, "its cost is told"),
        (LooksUnsaid, "its cost is told"),
        (MakesUpItsCost, "its cost is told"),
    ],
)
def test_a_method_that_breaks_a_promise_is_told_so(method: type[Adds], promise: str) -> None:
    facts = {"make": lambda self: method(), "make_backbone": lambda self: Prompted()}
    assert promise in broken(MethodContract, None, **facts)


def test_a_method_that_keeps_its_promises_is_told_so() -> None:
    assert broken(MethodContract, Adds(), make_backbone=lambda self: Prompted()) == set()
