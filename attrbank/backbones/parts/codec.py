"""The image codec of every family: diffusers' ``AutoencoderKL`` with the scaling that its configuration states."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from attrbank.backbones.parts.components import FolderParts
from attrbank.backbones.parts.devices import Residence, leave


class Codec:
    """Pictures to latents and back.

    Args:
        vae: the ``AutoencoderKL``.
        residence: where it runs.
    """

    def __init__(self, vae: Any, residence: Residence) -> None:
        residence.settle(vae)
        self._vae: Any = vae
        self._device = residence.device
        channels = vae.config.latent_channels
        # A latent is (raw − mean) · factor; configurations state a mean and a deviation per channel, or one shift.
        mean = getattr(vae.config, "latents_mean", None) or [vae.config.shift_factor or 0.0] * channels
        deviation = getattr(vae.config, "latents_std", None) or [1.0] * channels
        self._mean = torch.tensor(mean).reshape(1, channels, 1, 1)
        self._factor: Tensor = vae.config.scaling_factor / torch.tensor(deviation).reshape(1, channels, 1, 1)

    def picture_size(self, latent_shape: tuple[int, int, int]) -> tuple[int, int]:
        """Height and width of the pictures whose latents are (C, H, W): every level but the last halves a picture."""
        factor = 2 ** (len(self._vae.config.block_out_channels) - 1)
        return factor * latent_shape[1], factor * latent_shape[2]

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, h, w) in [0, 1] to the mode of their latents (B, C, H, W)."""
        raw = self._vae.encode(self._enter(2 * images - 1)).latent_dist.mode()
        return (leave(raw, "vae") - self._mean) * self._factor

    def decode(self, latent: Tensor) -> Tensor:
        """Latents (B, C, H, W) to images (B, 3, h, w) in [0, 1]."""
        images = leave(self._vae.decode(self._enter(latent / self._factor + self._mean)).sample, "vae")
        return (images / 2 + 0.5).clamp(0, 1)

    def _enter(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._vae.dtype)


def load_codec(parts: FolderParts, residence: Residence) -> Codec:
    """The codec of a model, in the model's precision, or in float32 if its activations overflow half precision.

    Raises:
        IncompatibleError: its weights are missing, damaged, or do not fit their configuration.
    """
    vae = parts.network(AutoencoderKL, "vae", residence.dtype)
    if vae.config.force_upcast and residence.dtype == torch.float16:
        vae = parts.network(AutoencoderKL, "vae", torch.float32)
    return Codec(vae, residence)
