"""Reads a latent that somebody saved: the only tensor of a safetensors file, which can hold nothing to execute."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from attrbank.errors import InvalidValueError, NumericError
from attrbank.pictures.read import bytes_of
from attrbank.text import printable


class InputLatent(NamedTuple):
    """A clean latent that was read.

    Attributes:
        values: (1, C, H, W), float32.
        sha256: of the file's bytes.
    """

    values: Tensor
    sha256: str


def read_latent(path: Path, shape: tuple[int, int, int]) -> InputLatent:
    """Read and check a latent of this shape, (C, H, W), with or without a dimension of 1 before it.

    Raises:
        NotFoundError: there is no such file.
        StorageError: it cannot be read.
        InvalidValueError: it is no safetensors file of one such tensor of floating-point numbers.
        NumericError: not all of them are finite.
    """
    data, shown = bytes_of(path), printable(str(path))
    try:
        tensors = list(safetensors.torch.load(data).values())
    except (SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise InvalidValueError(f"{shown} is not a valid safetensors file.") from error
    if len(tensors) != 1 or not tensors[0].is_floating_point() or tensors[0].shape not in {shape, (1, *shape)}:
        wanted = "×".join(map(str, shape))
        raise InvalidValueError(f"{shown} does not hold one latent of {wanted} floating-point numbers.")
    if not tensors[0].isfinite().all():
        raise NumericError(f"The latent {shown} holds NaN or infinity.")
    return InputLatent(tensors[0].float().reshape(1, *shape), hashlib.sha256(data).hexdigest())
