"""Each promise of a contract is one that something can break: here is one culprit for each."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from attrbank.diffusion.prediction import from_epsilon
from attrbank.diffusion.protocols import Defaults, Prediction
from attrbank.diffusion.schedule import Schedule
from attrbank.methods.pairs import predict_clean_pairs
from attrbank.methods.protocol import Learned, Needs, OtherRun
from attrbank.plugin.contracts import (
    BackboneContract,
    Contract,
    MethodContract,
    MetricContract,
    SamplerContract,
)
from attrbank.samplers.ddim import DDIM
from attrbank.samplers.ddpm import DDPM


def broken(contract: type[Contract], subject: object, **facts: object) -> set[str]:
    """The promises that ``subject`` breaks."""
    suite = type("Suite", (contract,), {"make": lambda self: subject, **facts})()
    return {outcome.promise for outcome in suite.outcomes() if outcome.error}


class Unnamed(DDIM):
    name = "DDIM!"


class StopsShort(DDIM):
    def grid(self, steps, schedule):
        return super().grid(steps, schedule)[:-1]


class SkipsAStep(DDIM):
    def grid(self, steps, schedule):
        grid = super().grid(steps, schedule)
        return (*grid[: steps // 2], *grid[steps // 2 + 1 :], *grid[-1:]) if steps > 2 else grid


class Shrinks(DDIM):
    def step(self, x, prediction, *rest):
        return super().step(x, Prediction(prediction.eps, 0.9 * prediction.x0), *rest)


class TooQuiet(DDPM):
    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        return super().step(x, prediction, t, t_prev, schedule, 0.8 * noise, state)


class DrawsItself(DDPM):
    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        return super().step(x, prediction, t, t_prev, schedule, torch.randn_like(x), state)


class Deaf(DDPM):
    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        deaf = torch.randn(x.shape, generator=torch.Generator().manual_seed(t), dtype=x.dtype)
        return super().step(x, prediction, t, t_prev, schedule, deaf, state)


class WritesOver(DDIM):
    def step(self, x, prediction, *rest):
        moved, state = super().step(x, prediction, *rest)
        return x.copy_(moved), state


class Remembers(DDIM):
    """Keeps its state to itself, where no branch can copy it."""

    last: Any = 0.0

    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        moved, _ = super().step(x, prediction, t, t_prev, schedule, noise, None)
        kick, self.last = 0.001 * self.last, prediction.eps.mean()
        return moved + kick, None


class LostWithoutState(DDIM):
    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        moved, _ = super().step(x, prediction, t, t_prev, schedule, noise, None)
        return (moved if state or t > 900 else 3 * moved), True


class LooksAround(DDIM):
    def step(self, x, prediction, *rest):
        moved, state = super().step(x, prediction, *rest)
        return moved + 0.01 * x.mean(), state


class GoesBackElsewhere(DDIM):
    def invert(self, x_prev, prediction, t, t_prev, schedule):
        return 1.01 * super().invert(x_prev, prediction, t, t_prev, schedule)


@pytest.mark.parametrize(
    ("sampler", "promise"),
    [
        (Unnamed(), "it says what it is"),
        (StopsShort(), "the grid runs from noise to the clean end"),
        (SkipsAStep(), "the grid runs from noise to the clean end"),
        (Shrinks(), "the marginal variance is right at every step"),
        (TooQuiet(), "noise around a single point has the right variance"),
        (TooQuiet(), "the marginal variance is right at every step"),
        (DrawsItself(), "it repeats itself"),
        (Deaf(), "noise matters to a stochastic sampler"),
        (WritesOver(), "what it is given stays as it is"),
        (Remembers(), "a copied state goes on as the original"),
        (LostWithoutState(), "it can start afresh anywhere"),
        (LooksAround(), "a batch is its rows"),
        (GoesBackElsewhere(), "going back undoes a step"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, DDIM | DDPM) else value,
)
def test_a_sampler_that_breaks_a_promise_is_told_so(sampler: DDIM | DDPM, promise: str) -> None:
    assert promise in broken(SamplerContract, sampler)


def test_a_sampler_that_claims_a_higher_order_than_it_has_is_told_so() -> None:
    assert broken(SamplerContract, DDIM(), order=1) == set()
    assert broken(SamplerContract, DDIM(), order=2) == {"it converges with its order"}


class Gaussian:
    """A sound backbone: standard normal data, whatever the prompt."""

    name, fingerprint, latent_shape, prediction_type = "gaussian", "0123456789abcdef", (4, 8, 8), "epsilon"
    schedule = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})
    defaults, words = Defaults(), None

    def unknown_words(self, prompt):
        return []

    def encode_prompts(self, prompts):
        return {"length": torch.tensor([[float(len(prompt))] for prompt in prompts])}

    def predict(self, latent, timestep, conditioning):
        alpha_bar = self.schedule.alpha_bar(timestep)
        return from_epsilon(latent, (1 - alpha_bar) ** 0.5 * latent, alpha_bar)

    def encode(self, images):
        return torch.cat([images, images[:, :1]], dim=1)

    def decode(self, latent):
        return latent[:, :3].sigmoid()


class NoFingerprint(Gaussian):
    fingerprint = "unknown"


class OneRowForAll(Gaussian):
    def encode_prompts(self, prompts):
        return {"length": torch.ones(1, 1)}


class TakesOneForTheOther(Gaussian):
    def predict(self, latent, timestep, conditioning):
        return Prediction(*super().predict(latent, timestep, conditioning)[::-1])


class Fickle(Gaussian):
    def predict(self, latent, timestep, conditioning):
        return from_epsilon(latent, torch.randn_like(latent), self.schedule.alpha_bar(timestep))


class WritesOverLatents(Gaussian):
    def predict(self, latent, timestep, conditioning):
        predicted = super().predict(latent.clone(), timestep, conditioning)
        latent.detach().zero_()
        return predicted


class Averages(Gaussian):
    def predict(self, latent, timestep, conditioning):
        return super().predict(latent - latent.mean(0), timestep, conditioning)


class Detached(Gaussian):
    def predict(self, latent, timestep, conditioning):
        return super().predict(latent.detach(), timestep, conditioning)


class Backwards(torch.autograd.Function):
    """The identity, with a derivative that goes backwards only."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class GoesBackwardsOnly(Gaussian):
    def predict(self, latent, timestep, conditioning):
        return super().predict(Backwards.apply(latent), timestep, conditioning)


class LosesTangents(Gaussian):
    def predict(self, latent, timestep, conditioning):
        return super().predict(latent if latent.requires_grad else latent.detach(), timestep, conditioning)


class Overexposed(Gaussian):
    def decode(self, latent):
        return 2 * super().decode(latent)


class MistakesItsSize(Gaussian):
    picture_size = (16, 8)


@pytest.mark.parametrize(
    ("model", "promise"),
    [
        (NoFingerprint, "it says what it is"),
        (OneRowForAll, "prompts come back one row each"),
        (TakesOneForTheOther, "noise and clean latent make up the latent"),
        (Fickle, "it repeats itself and leaves its arguments alone"),
        (WritesOverLatents, "it repeats itself and leaves its arguments alone"),
        (Averages, "a batch is its rows"),
        (Detached, "predictions can be differentiated"),
        (GoesBackwardsOnly, "a derivative can come along with a prediction"),
        (LosesTangents, "a derivative can come along with a prediction"),
        (Overexposed, "pictures become latents and latents pictures"),
        (MistakesItsSize, "pictures become latents and latents pictures"),
    ],
)
def test_a_backbone_that_breaks_a_promise_is_told_so(model: type[Gaussian], promise: str) -> None:
    assert broken(BackboneContract, Gaussian()) == set()
    assert promise in broken(BackboneContract, model())


class Narrow(Gaussian):
    """A sound backbone with a bottleneck: it makes its noise of the latent's means over four places."""

    change = staticmethod(lambda h, timestep: h)

    def features(self, latent, timestep, conditioning):
        return torch.nn.functional.avg_pool2d(latent, 2)

    def predict(self, latent, timestep, conditioning):
        h = self.change(self.features(latent, timestep, conditioning), timestep)
        return from_epsilon(
            latent, h.repeat_interleave(2, 2).repeat_interleave(2, 3), self.schedule.alpha_bar(timestep)
        )

    def injecting(self, change):
        other = copy.copy(self)
        other.change = change
        return other


class ChangesItself(Narrow):
    def injecting(self, change):
        self.change = change
        return self


class ShowsAnotherPlace(Narrow):
    def features(self, latent, timestep, conditioning):
        return 2 * latent

    def predict(self, latent, timestep, conditioning):
        self.change(latent, timestep)
        return Gaussian.predict(self, latent, timestep, conditioning)


class InjectsNothing(Narrow):
    def injecting(self, change):
        return super().injecting(lambda h, timestep: (change(h, timestep), h)[1])


class MixesRows(Narrow):
    def features(self, latent, timestep, conditioning):
        return super().features(latent - latent.mean(0), timestep, conditioning)


class KeepsTheTime(Narrow):
    def injecting(self, change):
        return super().injecting(lambda h, timestep: change(h, 0))


@pytest.mark.parametrize("model", [ChangesItself, ShowsAnotherPlace, InjectsNothing, MixesRows, KeepsTheTime])
def test_a_bottleneck_that_is_none_is_found_out(model: type[Narrow]) -> None:
    assert broken(BackboneContract, Narrow()) == set()
    assert "the bottleneck is where it says" in broken(BackboneContract, model())


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


METRICS = {
    "one for all": (lambda before, after: (after - before).mean(), "every picture gets one finite figure"),
    "infinite": (lambda before, after: 1 / (after - before).sum((1, 2, 3)), "every picture gets one finite figure"),
    "drawn": (lambda before, after: torch.rand(len(after)), "it repeats itself and leaves the pictures alone"),
    "written over": (
        lambda before, after: after.sub_(before).sum((1, 2, 3)),
        "it repeats itself and leaves the pictures alone",
    ),
    "compared": (lambda before, after: (after - after.mean()).mean((1, 2, 3)), "a batch is its rows"),
    "fitted": (lambda before, after: after.reshape(-1, 3 * 32 * 32).mean(1), "it takes pictures of any size"),
}


@pytest.mark.parametrize("kind", METRICS)
def test_a_metric_that_breaks_a_promise_is_told_so(kind: str) -> None:
    metric, promise = METRICS[kind]
    assert promise in broken(MetricContract, metric)
