"""A model in ComfyUI, asked while it samples: what it makes of a latent under prompts of an attribute's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from attrbank.plugin import Guest, IncompatibleError
from attrbank_comfyui.space import scale_of

Heard: TypeAlias = Mapping[str, tuple[Tensor, Tensor | None]]
"""What the text encoders make of prompts: for each its text (1, length, D), and what is pooled of it (1, P)."""


def heard_by(clip: Any, attributes: Sequence[Guest]) -> Heard:
    """All prompts under which attributes will ask, encoded before anything is sampled.

    Args:
        clip: of ComfyUI; None if there is none.
        attributes: that are to act.

    Raises:
        IncompatibleError: one of them asks, and there is no clip.
    """
    asking = [attribute for attribute in attributes if attribute.asks]
    if asking and clip is None:
        raise IncompatibleError(
            f"{asking[0].record.name} asks the model under prompts of its own, which nobody here can encode.",
            hint="Give the node Patch model the checkpoint's CLIP.",
        )
    pairs = [pair for attribute in asking for pair in attribute.record.pairs]
    prompts = dict.fromkeys(prompt for pair in pairs for prompt in (pair.source, pair.target))
    return {prompt: _encoded(clip, prompt) for prompt in prompts}


def refuse_asking(attributes: Sequence[Guest]) -> None:
    """Do nothing if no attribute asks the model, which is at hand only while it samples.

    Raises:
        IncompatibleError: one of them does.
    """
    for attribute in attributes:
        if attribute.asks:
            raise IncompatibleError(
                f"{attribute.record.name} asks the model about the picture, which only runs inside a sampler.",
                hint="Use the node Patch model for it, with the checkpoint's CLIP.",
            )


class Questions:
    """What attributes ask of a model.

    Args:
        model: a ``ModelPatcher``.
        heard: what its text encoders make of the prompts.

    Attributes:
        rows: that it has predicted for them.
    """

    def __init__(self, model: Any, heard: Heard) -> None:
        self._model, self._heard = model, heard
        self.rows = 0

    def at(self, sigma: float, options: Mapping[str, Any], like: Tensor) -> partial[Tensor]:
        """``EditInputs.clean_under`` at one σ, for latents like a sampler's."""
        return partial(self._clean_under, sigma, options, like)

    def _clean_under(
        self, sigma: float, options: Mapping[str, Any], like: Tensor, x: Tensor, prompts: Sequence[str]
    ) -> Tensor:
        """x̂0 of x (B, C, H, W), variance-preserving, under each of P prompts, (P, B, C, H, W), without guidance."""
        latents = (x / scale_of(sigma)).to(like)
        return torch.stack([self._predicted(latents, sigma, options, prompt) for prompt in prompts]).float().cpu()

    def _predicted(self, latents: Tensor, sigma: float, options: Mapping[str, Any], prompt: str) -> Tensor:
        model, rows = self._model.model, len(latents)
        sigmas = latents.new_full((rows,), sigma)
        around = {**options, "cond_or_uncond": [0], "sigmas": sigmas}  # as while it samples, for patches that look
        told = _told(model, latents, *self._heard[prompt])
        self.rows += rows
        said: Tensor = model.apply_model(latents, sigmas, transformer_options=around, **told)
        return said


def _told(model: Any, latents: Tensor, text: Tensor, pooled: Tensor | None) -> dict[str, Tensor]:
    """What the network is told of a prompt, as the model itself puts it; of XL also the picture's sizes."""
    rows, _, height, width = latents.shape
    conditions = model.extra_conds(
        noise=latents,
        device=latents.device,
        cross_attn=text.to(latents.device),
        pooled_output=None if pooled is None else pooled.to(latents.device),
        width=8 * width,
        height=8 * height,
        prompt_type="positive",
    )
    return {
        name: condition.process_cond(batch_size=rows, area=None, device=latents.device).cond
        for name, condition in conditions.items()
    }


def _encoded(clip: Any, prompt: str) -> tuple[Tensor, Tensor | None]:
    """As ComfyUI encodes it, to whom brackets would be weights of words."""
    plain = prompt.replace("(", "\\(").replace(")", "\\)")
    text, pooled = clip.encode_from_tokens(clip.tokenize(plain), return_pooled=True)
    return text, pooled
