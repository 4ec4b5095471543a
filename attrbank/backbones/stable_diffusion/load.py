"""Stable Diffusion 1.x and 2.x, loaded from a folder in the format of diffusers or from a checkpoint file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from torch.nn.functional import pad
from transformers import CLIPTextModel

from attrbank.backbones.parts.attention import WithAttention
from attrbank.backbones.parts.bottleneck import WithBottleneck
from attrbank.backbones.parts.checkpoint import parts_of
from attrbank.backbones.parts.codec import load_codec
from attrbank.backbones.parts.components import FolderParts
from attrbank.backbones.parts.devices import leave, residence
from attrbank.backbones.parts.folder import Described
from attrbank.backbones.parts.network import WithNetwork
from attrbank.backbones.parts.text_encoders import LAST, TextEncoder, clip_encoder
from attrbank.backbones.parts.windows import side_by_side
from attrbank.backbones.stable_diffusion.describe import SpelledFolder
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.prediction import from_epsilon, from_velocity
from attrbank.diffusion.protocols import Conditioning, Prediction
from attrbank.diffusion.spelling import TokenSpans


class StableDiffusion(WithBottleneck, WithAttention, WithNetwork, Described):
    """A prompt encoder, a noise predictor and an image codec.

    Weights are frozen, so no graph is recorded unless an input asks for gradients; a method that wants them
    can have them. Latents and pictures are float32 on the CPU, wherever the networks run.

    Args:
        folder: the model's description, from ``stable_diffusion.describe``.
        placement: where the networks are to run.

    Attributes:
        unet: the noise predictor, for methods that look inside it or put another in its place, in a copy.

    Raises:
        IncompatibleError: a part of the model cannot be loaded.
        InvalidValueError: it cannot run where it is to.
    """

    def __init__(self, folder: SpelledFolder, placement: Placement) -> None:
        super().__init__(folder)
        self._residence = residence(placement, folder.weights)
        parts = parts_of(folder, self._residence.dtype)
        self._load_text_encoders(parts)
        self.unet = parts.network(UNet2DConditionModel, "unet", self._residence.dtype)
        self._residence.settle(self.unet)
        self._watch_bottleneck()
        self._watch_attention()
        self._codec = load_codec(parts, self._residence)

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        """The text encoder's last hidden states, ``text`` (B, length, D); what exceeds the length is cut off.

        With embedded guidance also the recommended ``guidance_scale`` (B,).

        Raises:
            InvalidValueError: a prompt is not valid Unicode.
        """
        (text,) = self._text_encoder(prompts, LAST)
        return {"text": text, **self._guidance_for(len(prompts))}

    def token_spans(self, prompt: str) -> tuple[TokenSpans, ...]:
        """How each text encoder spells a prompt; raises as ``SpelledFolder.token_spans``."""
        return side_by_side((encoder.spelled(prompt) for encoder in self._text_encoders()), "text")

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """One evaluation of the UNet per row.

        Shapes:
            latent, eps, x0: (B, C, H, W)
        """
        with self._changed(timestep), self._attended(latent, timestep):
            output = self.unet(
                self._residence.enter(latent),
                timestep,
                timestep_cond=self._timestep_cond(conditioning),
                encoder_hidden_states=conditioning["text"],
                added_cond_kwargs=self._added(conditioning),
                return_dict=False,
            )[0]
        alpha_bar = self.schedule.alpha_bar(timestep)
        split = from_velocity if self.prediction_type == "v_prediction" else from_epsilon
        return split(latent, leave(output, "unet"), alpha_bar)

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

    def _load_text_encoders(self, parts: FolderParts) -> None:
        self._text_encoder = clip_encoder(CLIPTextModel, parts, "", self._residence)

    def _text_encoders(self) -> tuple[TextEncoder, ...]:
        return (self._text_encoder,)

    def _guidance_for(self, rows: int) -> Conditioning:
        if self.guidance != "embedded":
            return {}
        return {"guidance_scale": torch.full((rows,), self.defaults.guidance_scale)}

    def _timestep_cond(self, conditioning: Conditioning) -> Tensor | None:
        """The guidance scale, as a network that was distilled with guidance takes it, (B, D)."""
        if self.guidance != "embedded":
            return None
        embedded = embed_guidance(conditioning["guidance_scale"], self.unet.config.time_cond_proj_dim)
        return self._residence.enter(embedded)

    def _added(self, conditioning: Conditioning) -> Mapping[str, Tensor] | None:
        """What else the UNet is told of the prompt and the picture."""
        return None


def embed_guidance(scale: Tensor, width: int) -> Tensor:
    """Sines and cosines of 1000 (s − 1), as diffusers embeds w = s − 1 (arXiv:2310.04378, section 4.2).

    Shapes:
        scale: (B,); returns (B, width).
    """
    half = width // 2
    frequencies = torch.exp(torch.arange(half) * -(math.log(10000.0) / (half - 1)))
    angles = 1000 * (scale.float().cpu() - 1)[:, None] * frequencies
    return pad(torch.cat([angles.sin(), angles.cos()], dim=1), (0, width % 2))
