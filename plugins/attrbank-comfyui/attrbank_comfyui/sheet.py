"""Pictures of a strip, beside each other under their strengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from attrbank.plugin import InvalidValueError, draw_grid

LARGEST = 512
"""Pixels; wider pictures are made smaller."""


def sheet(images: Tensor, strengths: Sequence[float]) -> Tensor:
    """One picture of several, as ComfyUI has pictures.

    Args:
        images: (rows · strengths, h, w, 3) in [0, 1], the strengths of a row beside each other.
        strengths: that they are to be captioned with.

    Returns:
        (1, H, W, 3)

    Raises:
        InvalidValueError: their number is no multiple of that of the strengths.
    """
    count = len(strengths)
    if len(images) % count:
        raise InvalidValueError(
            f"{len(images)} pictures cannot be {count} strengths each.",
            hint="Give this node the strengths that Strip of latents had.",
        )
    pictures = images.movedim(-1, 1)
    columns = [pictures[number::count] for number in range(count)]
    image = draw_grid([f"{strength:g}" for strength in strengths], columns, gaps=(), largest=LARGEST)
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255)[None]
