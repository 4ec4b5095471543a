"""What a UNet makes at its mid block: seen, or changed on its way."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, Self

from torch import Tensor

from attrbank.backbones.parts.devices import Residence, leave
from attrbank.diffusion.bottleneck import Change
from attrbank.diffusion.protocols import Conditioning, Prediction
from attrbank.errors import IncompatibleError


class WithBottleneck:
    """The part of a backbone that has a UNet which knows of its bottleneck.

    Attributes:
        unet: a network of diffusers with a ``mid_block``.
    """

    name: str
    unet: Any
    _residence: Residence
    _changes: tuple[Change, ...] = ()

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """As ``Backbone`` has it; runs the UNet within ``_changed``."""
        raise NotImplementedError

    def features(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Tensor:
        """What the mid block makes of latents (B, C, H, W), (B, C', H', W'); the network stops there.

        Raises:
            IncompatibleError: this UNet has no mid block.
            NumericError: it makes NaN or infinity.
        """
        try:
            self.injecting(_stop).predict(latent, timestep, conditioning)
        except _Reached as reached:
            return reached.features
        raise _without_bottleneck(self.name)

    def injecting(self, change: Change) -> Self:
        """The same model, which goes on from ``change(h, t)`` instead of what its mid block makes, h.

        Raises:
            IncompatibleError: this UNet has no mid block.
        """
        if self.unet.mid_block is None:
            raise _without_bottleneck(self.name)
        other = copy.copy(self)
        other._changes = (*self._changes, change)
        return other

    def _watch_bottleneck(self) -> None:
        """Once, when the UNet is loaded: let what ``_changed`` says happen at its mid block."""
        if self.unet.mid_block is not None:
            self.unet.mid_block.register_forward_hook(_change_in_force)

    @contextmanager
    def _changed(self, timestep: int) -> Iterator[None]:
        """While it lasts, this thread's calls of the UNet go on from what the changes make."""
        token = _IN_FORCE.set((self._changes, timestep, self._residence))
        try:
            yield
        finally:
            _IN_FORCE.reset(token)


_IN_FORCE: ContextVar[tuple[tuple[Change, ...], int, Residence | None]] = ContextVar("changes", default=((), 0, None))
"""Which changes are made of features, at which timestep; a model and those made of it share one UNet."""


class _Reached(Exception):  # noqa: N818 — it is no error
    """The network need not go on: the features are there."""

    def __init__(self, features: Tensor) -> None:
        self.features = features


def _stop(features: Tensor, timestep: int) -> NoReturn:
    raise _Reached(features)


def _change_in_force(block: Any, given: Any, output: Tensor) -> Tensor | None:
    """A hook of torch: what it returns takes the output's place, None nothing."""
    changes, timestep, residence = _IN_FORCE.get()
    if not changes or residence is None:
        return None
    features = leave(output, "unet")
    for change in changes:
        features = change(features, timestep)
    return residence.enter(features)


def _without_bottleneck(name: str) -> IncompatibleError:
    return IncompatibleError(f"The UNet of {name} has no mid block, so it has no bottleneck to edit at.")
