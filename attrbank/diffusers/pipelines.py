"""What an attribute must know of a loaded pipeline to tell whether it fits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from attrbank.backbones.parts.fingerprint import fingerprint_of
from attrbank.backbones.parts.tensors import StoredTensor
from attrbank.backbones.stable_diffusion.describe import TRAITS
from attrbank.errors import IncompatibleError
from attrbank.schema.stored import Binding


def refuse_packed(latents: Tensor) -> None:
    """Do nothing if the latents are pictures, (B, C, H, W).

    Raises:
        IncompatibleError: they are sequences, as Flux has them.
    """
    if latents.dim() != 4:
        raise IncompatibleError(
            f"This pipeline packs its latents into the shape {tuple(latents.shape)}; attributes need "
            "(batch, channels, height, width).",
            hint="Pipelines of Stable Diffusion's kind have such latents.",
        )


def binding_of(pipeline: Any, latents: Tensor, expected: Binding) -> Binding:
    """The model of a pipeline, with the shape of the latents that it is about to denoise.

    Args:
        pipeline: of diffusers, with a ``unet`` and a ``scheduler``.
        latents: (B, C, H, W).
        expected: gives the fingerprint where the weights are in bfloat16, too coarse to tell.

    Raises:
        IncompatibleError: the model is not a UNet.
    """
    unet = getattr(pipeline, "unet", None)
    if unet is None:
        raise IncompatibleError(f"{type(pipeline).__name__} has no UNet, which attributes are learned on.")
    config = pipeline.scheduler.config
    channels, height, width = latents.shape[1:]
    return Binding(
        name="this pipeline",
        fingerprint=_fingerprint(unet, config) or expected.fingerprint,
        latent_shape=(channels, height, width),
        prediction_type=config.get("prediction_type", "epsilon"),
    )


def _fingerprint(unet: Any, scheduler_config: Any) -> str | None:
    weights = dict(unet.named_parameters())
    if weights["conv_in.weight"].dtype is torch.bfloat16:
        return None
    return fingerprint_of(lambda name: _stored(weights[name]), unet.config, scheduler_config, TRAITS)


def _stored(tensor: Tensor) -> StoredTensor:
    values = tensor.detach().float().cpu().contiguous()
    return StoredTensor("F32", tuple(values.shape), values.numpy().tobytes())
