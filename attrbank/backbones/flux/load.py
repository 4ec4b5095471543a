"""Flux.1: a CLIP encoder's summary, T5's words, and a transformer over packed latents."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle
from transformers import CLIPTextModel

from attrbank.backbones.flux.describe import PACKED
from attrbank.backbones.parts.flow_transformer import FlowTransformer
from attrbank.backbones.parts.folder import BackboneFolder
from attrbank.backbones.parts.text_encoders import LAST, SUMMARY, clip_encoder, t5_encoder
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Conditioning


class Flux(FlowTransformer):
    """Guidance-distilled (dev), which takes the guidance scale as an input, or distilled to few steps (schnell).

    Latents are pictures, (B, C, H, W), for everybody else: they are packed for the transformer alone.
    """

    def __init__(self, folder: BackboneFolder, placement: Placement) -> None:
        super().__init__(folder, placement, FluxTransformer2DModel)
        self._clip = clip_encoder(CLIPTextModel, self._parts, "", self._residence)
        self._t5 = t5_encoder(self._parts, "_2", folder.windows[0].length, self._residence)

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        """T5's last hidden states, CLIP's summary and, for the guidance-distilled, the recommended guidance scale.

        Shapes:
            text: (B, length, D)
            pooled: (B, P)
            guidance_scale: (B,)

        Raises:
            InvalidValueError: a prompt is not valid Unicode.
        """
        (text,), (pooled,) = self._t5(prompts, LAST), self._clip(prompts, SUMMARY)
        conditioning = {"text": text, "pooled": pooled}
        if self.guidance == "embedded":
            conditioning["guidance_scale"] = torch.full((len(prompts),), self.defaults.guidance_scale)
        return conditioning

    def _velocity(self, latent: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
        text, scale = conditioning["text"], conditioning.get("guidance_scale")
        packed = self.transformer(
            hidden_states=pack(latent),
            timestep=time / 1000,  # which the transformer multiplies by 1000 again
            guidance=None if scale is None else scale.to(latent.device),
            encoder_hidden_states=text,
            pooled_projections=conditioning["pooled"],
            txt_ids=torch.zeros(text.shape[1], 3, device=latent.device),
            img_ids=positions(latent),
            return_dict=False,
        )[0]
        return unpack(packed, latent.shape[-2])


def pack(latent: Tensor) -> Tensor:
    """Every patch of 2×2 as a token, row by row.

    Shapes:
        latent: (B, C, H, W), H and W even; returns (B, H/2 · W/2, 4C).
    """
    return pixel_unshuffle(latent, PACKED).flatten(2).transpose(1, 2)


def unpack(packed: Tensor, height: int) -> Tensor:
    """The latent (B, C, H, W) of which ``pack`` makes (B, H/2 · W/2, 4C), for H = ``height``."""
    batch, _, channels = packed.shape
    return pixel_shuffle(packed.transpose(1, 2).reshape(batch, channels, height // PACKED, -1), PACKED)


def positions(latent: Tensor) -> Tensor:
    """0, row and column of every token of the packed latent (B, C, H, W), as (H/2 · W/2, 3)."""
    height, width = (side // PACKED for side in latent.shape[-2:])
    rows, columns = torch.arange(height, device=latent.device), torch.arange(width, device=latent.device)
    return torch.cartesian_prod(rows.new_zeros(1), rows, columns).float()
