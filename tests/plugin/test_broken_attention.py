"""Each promise of a backbone that shows its attention is one that something can break."""

from __future__ import annotations

import copy

import pytest
import torch

from attrbank.diffusion.attention import Layer, every_layer, rows_without_prompt
from attrbank.diffusion.prediction import from_epsilon
from attrbank.plugin.contracts import BackboneContract
from tests.helpers.promises import Gaussian, broken

PROMISE = "its attention is where it says"
HEADS = 2


class Attentive(Gaussian):
    """A sound backbone: its noise is the latent's, seen once more by each place from where it looks, in one layer."""

    change, wants = staticmethod(lambda p, layer, timestep: p), staticmethod(every_layer)
    layer = Layer("only", cross=False, size=(8, 8))

    def probabilities(self, latent):
        places = latent.flatten(2)  # (B, C, 64)
        scores = torch.einsum("bcq,bck->bqk", places, places).softmax(-1)
        return scores[:, None].expand(-1, HEADS, -1, -1)

    def attention(self, latent, timestep, conditioning, wants=every_layer):
        return {self.layer: self.probabilities(latent)} if wants(self.layer) else {}

    def attended(self, latent, timestep):
        p, free = self.probabilities(latent), rows_without_prompt()
        changed = self.change(p[free:], self.layer, timestep) if self.wants(self.layer) else p[free:]
        return torch.cat([p[:free], changed])

    def predict(self, latent, timestep, conditioning):
        seen = torch.einsum("bhqk,bck->bcq", self.attended(latent, timestep), latent.flatten(2)) / HEADS
        return from_epsilon(latent, seen.unflatten(2, (8, 8)), self.schedule.alpha_bar(timestep))

    def attending(self, change, wants=every_layer):
        other = copy.copy(self)
        other.change, other.wants = change, wants
        return other


class ChangesItself(Attentive):
    def attending(self, change, wants=every_layer):
        self.change = change
        return self


class AttendsToNothing(Attentive):
    def attending(self, change, wants=every_layer):
        return super().attending(lambda p, layer, t: (change(p, layer, t), p)[1])


class ChangesAllRows(Attentive):
    def attended(self, latent, timestep):
        return self.change(self.probabilities(latent), self.layer, timestep)


class ShowsSomethingElse(Attentive):
    def attention(self, latent, timestep, conditioning, wants=every_layer):
        return super().attention(2 * latent, timestep, conditioning, wants)


class ShowsScores(Attentive):
    def probabilities(self, latent):
        return 2 * super().probabilities(latent)


class ShowsAll(Attentive):
    def attention(self, latent, timestep, conditioning, wants=every_layer):
        return super().attention(latent, timestep, conditioning)


class MixesRows(Attentive):
    def probabilities(self, latent):
        return super().probabilities(latent - latent.mean(0))


class MistakesItsSize(Attentive):
    layer = Layer("only", cross=False, size=(4, 8))


class KeepsTheTime(Attentive):
    def attending(self, change, wants=every_layer):
        return super().attending(lambda p, layer, t: change(p, layer, 0))


class RoundsWhatStays(Attentive):
    def attending(self, change, wants=every_layer):
        return super().attending(lambda p, layer, t: change(p, layer, t) * (1 + 1e-6))


@pytest.mark.parametrize(
    "model",
    [
        ChangesItself,
        AttendsToNothing,
        ChangesAllRows,
        ShowsSomethingElse,
        ShowsScores,
        ShowsAll,
        MixesRows,
        MistakesItsSize,
        KeepsTheTime,
        RoundsWhatStays,
    ],
)
def test_attention_that_is_not_what_it_says_is_found_out(model: type[Attentive]) -> None:
    assert PROMISE not in broken(BackboneContract, Attentive())
    assert PROMISE in broken(BackboneContract, model())
