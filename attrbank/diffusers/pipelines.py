"""What an attribute must know of a loaded pipeline to tell whether it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attrbank.backbones.parts.digest import Span, combined, tensor_digest
from attrbank.backbones.parts.fingerprint import fingerprint_of, former_fingerprint
from attrbank.backbones.parts.tensors import StoredTensor
from attrbank.backbones.stable_diffusion.describe import TRAITS
from attrbank.errors import IncompatibleError
from attrbank.schema.stored import Binding

_TELLING = (torch.float32, torch.float16)
"""Precisions that a fingerprint can be taken from; bfloat16 and what is below is too coarse."""


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


@dataclass(frozen=True)
class PipelineModel:
    """The model of a pipeline, as ``attribute.compatibility`` compares models."""

    fingerprint: str
    former_fingerprint: str
    latent_shape: tuple[int, int, int]
    prediction_type: str
    family: str
    name: str = "this pipeline"


def model_of(pipeline: Any, latents: Tensor, expected: Binding) -> PipelineModel:
    """The model of a pipeline, with the shape of the latents that it is about to denoise.

    Args:
        pipeline: of diffusers, with a ``unet`` and a ``scheduler``.
        latents: (B, C, H, W).
        expected: gives the fingerprint where the weights are too coarse to tell, or out of reach.

    Raises:
        IncompatibleError: the model is not a UNet.
    """
    unet = getattr(pipeline, "unet", None)
    if unet is None:
        raise IncompatibleError(f"{type(pipeline).__name__} has no UNet, which attributes are learned on.")
    unet = getattr(unet, "_orig_mod", unet)  # of a compiled one
    config = pipeline.scheduler.config
    channels, height, width = latents.shape[1:]
    now, former = _fingerprints(unet, config) or (expected.fingerprint,) * 2
    return PipelineModel(
        fingerprint=now,
        former_fingerprint=former,
        latent_shape=(channels, height, width),
        prediction_type=config.get("prediction_type", "epsilon"),
        family=_family(unet.config),
    )


def _family(unet_config: Any) -> str:
    """By what the UNet is told beside prompt and time, whatever pipeline it runs in."""
    is_xl = unet_config.get("addition_embed_type") == "text_time"
    return "stable_diffusion_xl" if is_xl else "stable_diffusion"


def _fingerprints(unet: Any, scheduler_config: Any) -> tuple[str, str] | None:
    """Those of all weights and of a few; None if their precision, or where they are, does not let us tell."""
    everything = _weights(unet)
    weights = {name: tensor for name, tensor in everything.items() if tensor.is_floating_point()}
    quantised = any(tensor.dim() > 1 for name, tensor in everything.items() if name not in weights)
    if quantised or any(tensor.is_meta or tensor.dtype not in _TELLING for tensor in weights.values()):
        return None
    digest = combined(tensor_digest(tensor.shape, tensor.numel(), _reader(tensor)) for tensor in weights.values())
    now = fingerprint_of(digest, unet.config, scheduler_config, TRAITS)
    return now, former_fingerprint(lambda name: _stored(weights[name]), unet.config, scheduler_config, TRAITS)


def _weights(unet: Any) -> dict[str, Tensor]:
    """All, by name; those that wait in main memory or on disk for their turn are fetched from there."""
    weights: dict[str, Tensor] = dict(unet.state_dict())
    for prefix, module in unet.named_modules():
        waiting = getattr(getattr(module, "_hf_hook", None), "weights_map", None)
        for name, tensor in module.named_parameters(prefix, recurse=False):
            if tensor.is_meta and waiting is not None:
                weights[name] = waiting[name.removeprefix(prefix).removeprefix(".")]
    return weights


def _reader(tensor: Tensor) -> Callable[[Span], bytes]:
    flat = tensor.detach().flatten()

    def read(span: Span) -> bytes:
        content: bytes = flat[slice(*span)].half().cpu().numpy().tobytes()
        return content

    return read


def _stored(tensor: Tensor) -> StoredTensor:
    values = tensor.detach().float().cpu().contiguous()
    return StoredTensor("F32", tuple(values.shape), values.numpy().tobytes())
