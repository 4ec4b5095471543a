"""Each promise of a backbone is one that something can break: here is one culprit for each."""

from __future__ import annotations

import copy

import pytest
import torch

from attrbank.diffusion.prediction import from_epsilon
from attrbank.diffusion.protocols import Prediction
from attrbank.plugin.contracts import BackboneContract
from tests.helpers.promises import Gaussian, broken


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
