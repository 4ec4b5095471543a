"""A UNet that another program has loaded, and what it is known by, whatever that program calls its tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from attrbank.backbones.parts.digest import Span, combined, tensor_digest
from attrbank.backbones.parts.fingerprint import Fingerprints, fingerprint_of, former_fingerprint
from attrbank.backbones.parts.tensors import StoredTensor
from attrbank.backbones.stable_diffusion.describe import TRAITS, name_in_checkpoints

_TELLING = (torch.float32, torch.float16)
"""Precisions that a fingerprint can be taken from; bfloat16 and what is below is too coarse."""


def fingerprints_of_loaded(
    weights: Mapping[str, Tensor],
    unet_config: Mapping[str, Any],
    scheduler_config: Mapping[str, Any],
    named: Callable[[str], str] = name_in_checkpoints,
) -> Fingerprints | None:
    """Those of a UNet of Stable Diffusion or XL as it is now; None if its weights are too coarse. Reads all of them.

    Args:
        weights: all, by name.
        unet_config: its ``config.json``.
        scheduler_config: the model's ``scheduler_config.json``.
        named: what a tensor that diffusers calls so is called in ``weights``; by default as in checkpoint files.
    """
    numbers = {name: tensor for name, tensor in weights.items() if tensor.is_floating_point()}
    quantised = any(tensor.dim() > 1 for name, tensor in weights.items() if name not in numbers)
    if quantised or any(tensor.is_meta or tensor.dtype not in _TELLING for tensor in numbers.values()):
        return None
    digest = combined(tensor_digest(tensor.shape, tensor.numel(), _reader(tensor)) for tensor in numbers.values())
    configs = unet_config, scheduler_config, TRAITS
    former = former_fingerprint(lambda name: _stored(numbers[named(name)]), *configs)
    return Fingerprints(fingerprint_of(digest, *configs), former)


def _reader(tensor: Tensor) -> Callable[[Span], bytes]:
    flat = tensor.detach().flatten()

    def read(span: Span) -> bytes:
        content: bytes = flat[slice(*span)].half().cpu().numpy().tobytes()
        return content

    return read


def _stored(tensor: Tensor) -> StoredTensor:
    values = tensor.detach().float().cpu().contiguous()
    return StoredTensor("F32", tuple(values.shape), values.numpy().tobytes())
