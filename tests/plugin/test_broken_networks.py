"""Each promise of a backbone whose network can be exchanged is one that something can break."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from attrbank.diffusion.prediction import from_epsilon
from attrbank.plugin.contracts import BackboneContract
from tests.helpers.promises import Gaussian, broken

PROMISE = "another network takes the place of its own"


class Adaptable(Gaussian):
    """A sound backbone: its noise is the latent's channels, mixed by one layer."""

    def __init__(self) -> None:
        super().__init__()
        channels = self.latent_shape[0]
        self.network = nn.Conv2d(channels, channels, 1, bias=False)
        with torch.no_grad():
            self.network.weight.copy_(torch.eye(channels)[:, :, None, None])

    def predict(self, latent, timestep, conditioning):
        return from_epsilon(latent, self.network(latent), self.schedule.alpha_bar(timestep))

    def adapting(self, change):
        other = copy.copy(self)
        other.network = change(copy.deepcopy(self.network))
        return other


class ChangesItself(Adaptable):
    def adapting(self, change):
        self.network = change(self.network)
        return self


class HandsOutItsOwn(Adaptable):
    def adapting(self, change):
        other = copy.copy(self)
        other.network = change(self.network)
        return other


class KeepsItsNetwork(Adaptable):
    def adapting(self, change):
        change(copy.deepcopy(self.network))
        return copy.copy(self)


class Shakes(Adaptable):
    def adapting(self, change):
        return super().adapting(lambda network: change(_shaken(network)))


class ForgetsTheFirst(Adaptable):
    def __init__(self) -> None:
        super().__init__()
        self.first = self.network

    def adapting(self, change):
        other = copy.copy(self)
        other.network = change(copy.deepcopy(self.first))
        return other


def _shaken(network):
    with torch.no_grad():
        network.weight.mul_(1.001)
    return network


@pytest.mark.parametrize("model", [ChangesItself, HandsOutItsOwn, KeepsItsNetwork, Shakes, ForgetsTheFirst])
def test_a_network_that_is_not_exchanged_as_promised_is_found_out(model: type[Adaptable]) -> None:
    assert PROMISE not in broken(BackboneContract, Adaptable())
    assert PROMISE in broken(BackboneContract, model())
