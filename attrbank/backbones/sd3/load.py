"""Stable Diffusion 3.x: two CLIP encoders, T5 if the folder has it, and a transformer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import SD3Transformer2DModel
from torch import Tensor
from torch.nn.functional import pad
from transformers import CLIPTextModelWithProjection

from attrbank.backbones.parts.flow_transformer import FlowTransformer
from attrbank.backbones.parts.text_encoders import LAST, LAST_BUT_ONE, PROJECTED, clip_encoder, t5_encoder
from attrbank.backbones.sd3.describe import T5_LENGTH, SD3Folder
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Conditioning


class StableDiffusion3(FlowTransformer):
    """The base models of 3 and 3.5; without T5, zeros stand for what it would say, as in training now and then."""

    def __init__(self, folder: SD3Folder, placement: Placement) -> None:
        super().__init__(folder, placement, SD3Transformer2DModel)
        self._clip, self._clip_2 = (
            clip_encoder(CLIPTextModelWithProjection, self._parts, suffix, self._residence) for suffix in ("", "_2")
        )
        self._t5 = t5_encoder(self._parts, "_3", T5_LENGTH, self._residence) if folder.has_t5 else None

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        """The CLIP encoders' last hidden states but one side by side, T5's after them, and both CLIPs' summaries.

        Shapes:
            text: (B, length + 256, D)
            pooled: (B, P₁ + P₂)

        Raises:
            InvalidValueError: a prompt is not valid Unicode.
        """
        both = [encoder(prompts, LAST_BUT_ONE, PROJECTED) for encoder in (self._clip, self._clip_2)]
        clip, pooled = (torch.cat(said, dim=-1) for said in zip(*both, strict=True))
        width = self.transformer.config.joint_attention_dim
        t5 = self._t5(prompts, LAST)[0] if self._t5 else clip.new_zeros(len(prompts), T5_LENGTH, width)
        text = torch.cat([pad(clip, (0, width - clip.shape[-1])), t5], dim=1)
        return {"text": text, "pooled": pooled}

    def _velocity(self, latent: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
        velocity: Tensor = self.transformer(
            hidden_states=latent,
            timestep=time,
            encoder_hidden_states=conditioning["text"],
            pooled_projections=conditioning["pooled"],
            return_dict=False,
        )[0]
        return velocity
