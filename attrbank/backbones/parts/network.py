"""The network that denoises, rebuilt in a copy that shares its weights."""

from __future__ import annotations

import copy
from typing import ClassVar, Self

from torch import nn

from attrbank.diffusion.network import Adapt


class WithNetwork:
    """The part of a backbone that has one network which denoises.

    Attributes:
        denoiser: what the attribute is called that holds it.
    """

    denoiser: ClassVar[str] = "unet"

    def adapting(self, change: Adapt) -> Self:
        """The same model, denoised by ``change(network)``; it is given a copy of the network with the same weights."""
        other = copy.copy(self)
        setattr(other, self.denoiser, change(sharing_weights(getattr(self, self.denoiser))))
        return other


def sharing_weights(network: nn.Module) -> nn.Module:
    """A network of the same modules and hooks, whose weights are the very ones of the other."""
    weights = (*network.parameters(), *network.buffers())
    return copy.deepcopy(network, {id(weight): weight for weight in weights})
