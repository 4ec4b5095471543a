"""Latents that are hard for a singular value decomposition, and pairs that are easy."""

from __future__ import annotations

import torch
from torch import Tensor


def pair(
    generator: torch.Generator, *shape: int, dtype: torch.dtype = torch.float64, likeness: float = 0.6
) -> tuple[Tensor, Tensor]:
    """Two correlated random latents."""
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    z = likeness * x + (1 - likeness**2) ** 0.5 * torch.randn(shape, generator=generator, dtype=torch.float64)
    return x.to(dtype), z.to(dtype)


def smooth(generator: torch.Generator, *shape: int) -> Tensor:
    """Clean latents with few degrees of freedom, like those of pictures."""
    coarse = torch.randn(*shape[:-2], 3, 3, generator=generator)
    rows = torch.nn.functional.interpolate(coarse, size=shape[-2:], mode="bilinear", align_corners=True)
    return rows + 0.1 * torch.randn(shape, generator=generator)


def hard(name: str) -> Tensor:
    """A latent (1, 4, H, W) that breaks naive code."""
    generator = torch.Generator().manual_seed(3)
    plain = torch.randn(1, 4, 8, 8, generator=generator)
    row, column = torch.randn(1, 4, 1, 8, generator=generator), torch.randn(1, 4, 8, 1, generator=generator)
    return {
        "zero": torch.zeros(1, 4, 8, 8),
        "constant": torch.full((1, 4, 8, 8), 0.7),
        "rank one": column * row,
        "equal singular values": torch.eye(8).expand(1, 4, 8, 8).clone(),
        "tiny": plain * 1e-30,
        "huge": plain * 1e30,
        "half precision": plain.half(),
        "bfloat16": plain.bfloat16(),
        "wide": torch.randn(1, 4, 6, 10, generator=generator),
        "tall": torch.randn(1, 4, 10, 6, generator=generator),
        "one channel zero": plain * torch.tensor([1.0, 0.0, 1.0, 1.0]).view(1, 4, 1, 1),
    }[name]


HARD = (
    "zero",
    "constant",
    "rank one",
    "equal singular values",
    "tiny",
    "huge",
    "half precision",
    "bfloat16",
    "wide",
    "tall",
    "one channel zero",
)
