"""What an attribute must know of a loaded pipeline to tell whether it fits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attrbank.backbones.parts.digest import Span, combined, tensor_digest
from attrbank.backbones.parts.fingerprint import Fingerprints, fingerprint_of, former_fingerprint
from attrbank.backbones.parts.tensors import StoredTensor
from attrbank.backbones.stable_diffusion.describe import TRAITS
from attrbank.errors import IncompatibleError

_TELLING = (torch.float32, torch.float16)
"""Precisions that a fingerprint can be taken from; bfloat16 and what is below is too coarse."""

XL = "stable_diffusion_xl"
"""The family whose UNet is told the picture's sizes as well."""


def refuse_withheld(given: Collection[str], wanted: Sequence[str]) -> None:
    """Do nothing if a pipeline hands over all that a callback has asked for.

    Raises:
        IncompatibleError: it does not, as where a function of the user's stands between them.
    """
    withheld = [name for name in wanted if name not in given]
    if withheld:
        raise IncompatibleError(
            f"The pipeline does not hand over {' and '.join(withheld)}, which the attributes need.",
            hint="Give it callback_on_step_end_tensor_inputs=callback.tensor_inputs.",
        )


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


def fingerprints_of(pipeline: Any) -> Fingerprints | None:
    """Those of the UNet as it is now; None if its weights are too coarse, or out of reach. Reads all of them.

    Raises:
        IncompatibleError: the model is not a UNet.
    """
    unet = _unet(pipeline)
    everything = _weights(unet)
    weights = {name: tensor for name, tensor in everything.items() if tensor.is_floating_point()}
    quantised = any(tensor.dim() > 1 for name, tensor in everything.items() if name not in weights)
    if quantised or any(tensor.is_meta or tensor.dtype not in _TELLING for tensor in weights.values()):
        return None
    digest = combined(tensor_digest(tensor.shape, tensor.numel(), _reader(tensor)) for tensor in weights.values())
    configs = unet.config, pipeline.scheduler.config, TRAITS
    former = former_fingerprint(lambda name: _stored(_named(weights, name)), *configs)
    return Fingerprints(fingerprint_of(digest, *configs), former)


def model_of(pipeline: Any, latents: Tensor, prints: Fingerprints) -> PipelineModel:
    """The model of a pipeline, with the shape of the latents that it is about to denoise.

    Args:
        pipeline: of diffusers, with a ``unet`` and a ``scheduler``.
        latents: (B, C, H, W).
        prints: the UNet's.

    Raises:
        IncompatibleError: the model is not a UNet.
    """
    channels, height, width = latents.shape[1:]
    return PipelineModel(
        fingerprint=prints.now,
        former_fingerprint=prints.former,
        latent_shape=(channels, height, width),
        prediction_type=pipeline.scheduler.config.get("prediction_type", "epsilon"),
        family=_family(_unet(pipeline).config),
    )


def _unet(pipeline: Any) -> Any:
    unet = getattr(pipeline, "unet", None)
    if unet is None:
        raise IncompatibleError(f"{type(pipeline).__name__} has no UNet, which attributes are learned on.")
    return getattr(unet, "_orig_mod", unet)  # of a compiled one


def _family(unet_config: Any) -> str:
    """By what the UNet is told beside prompt and time, whatever pipeline it runs in."""
    is_xl = unet_config.get("addition_embed_type") == "text_time"
    return XL if is_xl else "stable_diffusion"


def _weights(unet: Any) -> dict[str, Tensor]:
    """All, by name; those that wait in main memory or on disk for their turn are fetched from there."""
    weights: dict[str, Tensor] = dict(unet.state_dict())
    for prefix, module in unet.named_modules():
        waiting = getattr(getattr(module, "_hf_hook", None), "weights_map", None)
        for name, tensor in module.named_parameters(prefix, recurse=False):
            if tensor.is_meta and waiting is not None:
                weights[name] = waiting[name.removeprefix(prefix).removeprefix(".")]
    return weights


def _named(weights: Mapping[str, Tensor], name: str) -> Tensor:
    """A tensor of the UNet; PEFT calls those of a layer that it adapts otherwise."""
    layer, _, kind = name.rpartition(".")
    return weights[name if name in weights else f"{layer}.base_layer.{kind}"]


def _reader(tensor: Tensor) -> Callable[[Span], bytes]:
    flat = tensor.detach().flatten()

    def read(span: Span) -> bytes:
        content: bytes = flat[slice(*span)].half().cpu().numpy().tobytes()
        return content

    return read


def _stored(tensor: Tensor) -> StoredTensor:
    values = tensor.detach().float().cpu().contiguous()
    return StoredTensor("F32", tuple(values.shape), values.numpy().tobytes())
