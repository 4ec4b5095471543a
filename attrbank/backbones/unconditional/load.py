"""Unconditional models, loaded: a UNet over pixels, or over the latents of a VQ codec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from diffusers import UNet2DModel, VQModel
from torch import Tensor

from attrbank.backbones.parts.attention import WithAttention
from attrbank.backbones.parts.bottleneck import WithBottleneck
from attrbank.backbones.parts.components import load_network
from attrbank.backbones.parts.devices import Residence, leave, residence
from attrbank.backbones.parts.folder import Described
from attrbank.backbones.parts.network import WithNetwork
from attrbank.backbones.unconditional.describe import UnconditionalFolder
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.prediction import clip, from_epsilon, from_velocity
from attrbank.diffusion.protocols import Conditioning, Prediction, check_guidance


class Unconditional(WithBottleneck, WithAttention, WithNetwork, Described):
    """A noise predictor that knows no prompts.

    Args:
        folder: the model's description, from ``unconditional.describe``.
        placement: where the networks are to run.

    Attributes:
        unet: the noise predictor, for methods that look inside it or put another in its place, in a copy.

    Raises:
        IncompatibleError: a part of the model cannot be loaded.
        InvalidValueError: it cannot run where it is to.
    """

    def __init__(self, folder: UnconditionalFolder, placement: Placement) -> None:
        super().__init__(folder)
        self._residence = residence(placement, folder.weights)
        self.unet = load_network(UNet2DModel, folder.weights, self._residence.dtype)
        self._residence.settle(self.unet)
        self._watch_bottleneck()
        self._watch_attention()
        self._codec = Quantised(folder.codec, self._residence) if folder.codec else Pixels()
        self._clip = folder.clip

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        """Nothing, for any number of empty prompts.

        Raises:
            InvalidValueError: one of them says something.
        """
        check_guidance(self, 1.0, *prompts)
        return {}

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """One evaluation of the UNet per row; x̂0 is clipped if the model's scheduler does, and ε goes with it.

        Shapes:
            latent, eps, x0: (B, C, H, W)
        """
        with self._changed(timestep), self._attended(latent, timestep):
            output = leave(self.unet(self._residence.enter(latent), timestep, return_dict=False)[0], "unet")
        alpha_bar = self.schedule.alpha_bar(timestep)
        split = from_velocity if self.prediction_type == "v_prediction" else from_epsilon
        prediction = split(latent, output, alpha_bar)
        return prediction if self._clip is None else clip(prediction, alpha_bar, self._clip)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of its pictures."""
        return self._codec.picture_size(self.latent_shape)

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, h, w) in [0, 1] to latents (B, C, H, W)."""
        return self._codec.encode(2 * images - 1)

    def decode(self, latent: Tensor) -> Tensor:
        """Latents (B, C, H, W) to images (B, 3, h, w) in [0, 1]."""
        return (self._codec.decode(latent) / 2 + 0.5).clamp(0, 1)


class Pixels:
    """Latents are the picture itself, in [−1, 1]."""

    def picture_size(self, latent_shape: tuple[int, int, int]) -> tuple[int, int]:
        """Height and width of the picture, which are the latent's."""
        return latent_shape[1], latent_shape[2]

    def encode(self, picture: Tensor) -> Tensor:
        """The picture (B, 3, H, W)."""
        return picture

    def decode(self, latent: Tensor) -> Tensor:
        """What ``encode`` was given, (B, 3, H, W)."""
        return latent


class Quantised:
    """A codec whose latents are rounded to a book of codes when they are decoded.

    Raises:
        IncompatibleError: it cannot be loaded.
    """

    def __init__(self, folder: Path, residence: Residence) -> None:
        self._vq = load_network(VQModel, folder, residence.dtype)
        residence.settle(self._vq)
        self._residence = residence

    def picture_size(self, latent_shape: tuple[int, int, int]) -> tuple[int, int]:
        """Height and width of the pictures whose latents are (C, H, W)."""
        factor = 2 ** (len(self._vq.config.block_out_channels) - 1)
        return factor * latent_shape[1], factor * latent_shape[2]

    def encode(self, picture: Tensor) -> Tensor:
        """The latents (B, C, H, W) of a picture (B, 3, h, w) in [−1, 1], not yet rounded."""
        latent = leave(self._vq.encode(self._residence.enter(picture)).latents, "vqvae")
        return latent * float(self._vq.config.scaling_factor)

    def decode(self, latent: Tensor) -> Tensor:
        """The picture (B, 3, h, w), about [−1, 1], of latents (B, C, H, W)."""
        decoded = self._vq.decode(self._residence.enter(latent / self._vq.config.scaling_factor)).sample
        return leave(decoded, "vqvae")
