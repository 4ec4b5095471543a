"""Signed distances of simple shapes; negative inside. Coordinates run from −1 to 1, u to the right and v down."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

Number = Tensor | float


def ellipse(u: Tensor, v: Tensor, width: Number, height: Number) -> Tensor:
    """Distance to an ellipse of these half axes, exact to first order on its outline."""
    a, b = u / width, v / height
    norm = torch.sqrt(a**2 + b**2 + 1e-9)
    return norm * (norm - 1) / torch.sqrt((a / width) ** 2 + (b / height) ** 2 + 1e-9)


def box(u: Tensor, v: Tensor, width: Number, height: Number, rounding: Number) -> Tensor:
    """Distance to a rounded box of these half sizes."""
    du, dv = u.abs() - width + rounding, v.abs() - height + rounding
    outside = torch.sqrt(du.clamp(min=0) ** 2 + dv.clamp(min=0) ** 2 + 1e-9)
    return outside + torch.maximum(du, dv).clamp(max=0) - rounding


def arc(u: Tensor, v: Tensor, width: Number, bend: Number, thickness: Number) -> Tensor:
    """Distance to the stroke v = bend·(u/width)², |u| ≤ width; a positive bend turns its ends down.

    Args:
        u: across, from the middle of the stroke.
        v: down, from the middle of the stroke.
        width: half its length.
        bend: how far the ends are below the middle.
        thickness: half of its own.
    """
    along = (u / width).clamp(-1, 1)
    across = (v - bend * along**2) / torch.sqrt(1 + (2 * bend * along / width) ** 2)
    return torch.sqrt(across**2 + (u.abs() - width).clamp(min=0) ** 2 + 1e-9) - thickness


def both(*distances: Tensor) -> Tensor:
    """The intersection of shapes."""
    return functools.reduce(torch.maximum, distances)


def either(*distances: Tensor) -> Tensor:
    """The union of shapes."""
    return functools.reduce(torch.minimum, distances)


def ramp(x: Tensor, start: float, end: float) -> Tensor:
    """0 before ``start``, 1 after ``end``, smooth between."""
    t = ((x - start) / (end - start)).clamp(0, 1)
    return t * t * (3 - 2 * t)
