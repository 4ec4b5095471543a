"""What Stable Diffusion 3 and Flux have in common: a transformer that says the velocity of a rectified flow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from attrbank.backbones.parts.codec import load_codec
from attrbank.backbones.parts.components import FolderParts
from attrbank.backbones.parts.devices import leave, residence
from attrbank.backbones.parts.folder import BackboneFolder, Described
from attrbank.backbones.parts.network import WithNetwork
from attrbank.diffusion.flow import from_flow, sigma_of, to_flow
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Conditioning, Prediction


class FlowTransformer(WithNetwork, Described, ABC):
    """A backbone whose latents are variance-preserving outside and those of the flow inside.

    Args:
        folder: the model's description, from its family's ``describe``.
        placement: where the networks are to run.
        kind: the transformer's class in diffusers.

    Attributes:
        transformer: says the velocity; for methods that look inside it or put another in its place, in a copy.

    Raises:
        IncompatibleError: a part of the model cannot be loaded.
        InvalidValueError: it cannot run where it is to.
    """

    denoiser = "transformer"

    def __init__(self, folder: BackboneFolder, placement: Placement, kind: Any) -> None:
        super().__init__(folder)
        self._residence = residence(placement, folder.weights, folder.half)
        self._parts = FolderParts(folder.path)
        self.transformer = self._parts.network(kind, "transformer", self._residence.dtype)
        self._residence.settle(self.transformer)
        self._codec = load_codec(self._parts, self._residence)

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """One evaluation of the transformer per row.

        Shapes:
            latent, eps, x0: (B, C, H, W)
        """
        alpha_bar = self.schedule.alpha_bar(timestep)
        seen = self._residence.enter(to_flow(latent, alpha_bar))
        time = torch.full((len(latent),), sigma_of(alpha_bar) * self.schedule.train_timesteps)
        velocity = self._velocity(seen, time.to(seen.device), conditioning)
        return from_flow(latent, leave(velocity, "transformer"), alpha_bar)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of its pictures."""
        return self._codec.picture_size(self.latent_shape)

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, h, w) in [0, 1] to the mode of their latents (B, C, H, W)."""
        return self._codec.encode(images)

    def decode(self, latent: Tensor) -> Tensor:
        """Latents (B, C, H, W) to images (B, 3, h, w) in [0, 1]."""
        return self._codec.decode(latent)

    @abstractmethod
    def _velocity(self, latent: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
        """ε − x̂0, (B, C, H, W), at the flow's latent x_σ and at σ T, (B,)."""
