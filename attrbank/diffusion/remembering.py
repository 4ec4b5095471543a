"""What a model has said once it is not asked again: runs that begin alike share what they have in common.

What a network says depends on the latent, the timestep and the conditioning alone, and equal inputs give equal bits (a
promise that ``attrbank.plugin`` holds backbones to). So a run may go through the same steps as one before it, and pays
only for those whose latent it has not met: with another strength, those after the edit; with another attribute, those
after the first edit that differs; the unedited picture and the inversion of a photograph not at all, nor are they
decoded again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

from attrbank.diffusion.forward_mode import carries_tangent
from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Backbone, Conditioning, Grid, Prediction, Sampler
from attrbank.diffusion.trajectory import Trajectory

Said: TypeAlias = tuple[Tensor, ...]
"""A prediction, or a decoded picture."""

ROOM = 2**28
"""Bytes that are kept: of some 300 pictures of ``portraits``, 20 of Stable Diffusion, or 2 of Flux."""


class Memory:
    """What one backbone has said; when there is no room, what was asked for longest ago is forgotten.

    Args:
        room: bytes to keep at most.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room, self._bytes = room, 0
        self._known: OrderedDict[bytes, Said] = OrderedDict()

    @cached_property
    def pictures(self) -> Memory:
        """Of decoded pictures, with a quarter of the room: they are large, and seldom asked for again."""
        return Memory(self._room // 4)

    @property
    def bytes_held(self) -> int:
        """Bytes of what is in it."""
        return self._bytes

    def recall(self, key: bytes) -> Said | None:
        """A copy of what is known under a key, so that whoever asks may write into it."""
        if key not in self._known:
            return None
        self._known.move_to_end(key)
        return _copied(self._known[key])

    def keep(self, key: bytes, said: Said) -> None:
        """Remember it under a new key, and forget the oldest if need be, or itself if it is too large."""
        self._known[key] = _copied(said)
        self._bytes += _bytes(said)
        while self._bytes > self._room:
            _, forgotten = self._known.popitem(last=False)
            self._bytes -= _bytes(forgotten)


class RememberingTrajectory(Trajectory):
    """A trajectory that takes from a memory what was predicted before, by it or by another on the same backbone.

    Args:
        backbone: whose predictions the memory holds.
        sampler, grid, guidance_scale, negative_prompt: as ``Trajectory`` has them.
        memory: to take from and to add to.
    """

    def __init__(
        self,
        backbone: Backbone,
        sampler: Sampler,
        *,
        grid: Grid,
        guidance_scale: float,
        memory: Memory,
        negative_prompt: str = "",
    ) -> None:
        super().__init__(backbone, sampler, grid=grid, guidance_scale=guidance_scale, negative_prompt=negative_prompt)
        self._memory, self._remembered = memory, backbone

    def _said(self, position: Position, conditioning: Conditioning) -> Prediction:
        """As ``Trajectory`` has it; ``evaluations`` counts what was not remembered.

        What is to be differentiated, and what a backbone says that an edit has changed, is predicted every time.
        """
        latent = position.latent
        is_differentiated = latent.requires_grad or carries_tangent(latent)
        if self.backbone is not self._remembered or is_differentiated or position.index == self.end:
            return super()._said(position, conditioning)
        key = _key(latent, self.grid[position.index][0], self.guidance_scale, self.negative_prompt, conditioning)
        if (known := self._memory.recall(key)) is not None:
            return Prediction(*known)
        prediction = super()._said(position, conditioning)
        self._memory.keep(key, prediction)
        return prediction

    def decode(self, latent: Tensor) -> Tensor:
        """As ``Trajectory.decode``."""
        if self.backbone is not self._remembered or latent.requires_grad or carries_tangent(latent):
            return super().decode(latent)
        key, pictures = _key(latent, -1, 0.0, "", {}), self._memory.pictures
        if (known := pictures.recall(key)) is not None:
            return known[0]
        picture = super().decode(latent)
        pictures.keep(key, (picture,))
        return picture


def _key(latent: Tensor, t: int, guidance_scale: float, negative_prompt: str, conditioning: Conditioning) -> bytes:
    """All that a prediction depends on, as a digest: shapes and bits."""
    digest = hashlib.sha256(f"{t} {guidance_scale!r} {negative_prompt!a}".encode())
    for name, tensor in (("", latent), *sorted(conditioning.items())):
        digest.update(f" {name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.digest()


def _copied(said: Said) -> Said:
    return tuple(tensor.clone() for tensor in said)


def _bytes(said: Said) -> int:
    return sum(tensor.nbytes for tensor in said)
