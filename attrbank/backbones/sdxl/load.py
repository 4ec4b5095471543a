"""Stable Diffusion XL: two text encoders, a pooled prompt, and the picture's size and crop as extra time ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from transformers import CLIPTextModelWithProjection

from attrbank.backbones.parts.components import FolderParts
from attrbank.backbones.parts.text_encoders import LAST_BUT_ONE, PROJECTED, TextEncoder, clip_encoder
from attrbank.backbones.sdxl.describe import XLFolder
from attrbank.backbones.stable_diffusion.load import StableDiffusion
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Conditioning


class StableDiffusionXL(StableDiffusion):
    """The base model; as ``StableDiffusion`` in everything but its conditioning.

    The UNet is told that the picture has the model's own size and is not cropped, as the pipeline of diffusers does
    unless it is told otherwise.

    Args:
        folder: the model's description, from ``sdxl.describe``.
        placement: where the networks are to run.

    Raises:
        IncompatibleError: a part of the model cannot be loaded.
        InvalidValueError: it cannot run where it is to.
    """

    def __init__(self, folder: XLFolder, placement: Placement) -> None:
        super().__init__(folder, placement)
        self._zeros_for_empty_prompt = folder.zeros_for_empty_prompt
        time_ids = torch.tensor([[*folder.picture_size, 0, 0, *folder.picture_size]])
        self._time_ids = self._residence.enter(time_ids)

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        """Both encoders' last hidden states but one, and what the second makes of the whole prompt.

        The empty prompt is the unconditional one: all zeros if ``model_index.json`` asks for that.

        Shapes:
            text: (B, length, D₁ + D₂)
            pooled: (B, P)
            guidance_scale: (B,), the recommended one, if it is embedded
            time_ids: (B, 6), original height and width, top and left of the crop, target height and width

        Raises:
            InvalidValueError: a prompt is not valid Unicode.
        """
        (first,) = self._text_encoder(prompts, LAST_BUT_ONE)
        second, pooled = self._text_encoder_2(prompts, LAST_BUT_ONE, PROJECTED)
        text = torch.cat([first, second], dim=-1)
        if self._zeros_for_empty_prompt:
            given = torch.tensor([bool(prompt) for prompt in prompts], device=text.device)
            text, pooled = text * given[:, None, None], pooled * given[:, None]
        rows = len(prompts)
        told = {"text": text, "pooled": pooled, "time_ids": self._time_ids.expand(rows, -1)}
        return {**told, **self._guidance_for(rows)}

    def _load_text_encoders(self, parts: FolderParts) -> None:
        super()._load_text_encoders(parts)
        self._text_encoder_2 = clip_encoder(CLIPTextModelWithProjection, parts, "_2", self._residence)

    def _text_encoders(self) -> tuple[TextEncoder, ...]:
        return (self._text_encoder, self._text_encoder_2)

    def _added(self, conditioning: Conditioning) -> Mapping[str, Tensor]:
        return {"text_embeds": conditioning["pooled"], "time_ids": conditioning["time_ids"]}
