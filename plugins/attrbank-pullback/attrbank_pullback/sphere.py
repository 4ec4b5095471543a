"""Means of directions: points of a sphere, whose mean is the one that is nearest to all of them along it."""

from __future__ import annotations

import torch
from torch import Tensor

MOST, TOLERANCE = 100, 1e-6


def frechet_mean(points: Tensor) -> Tensor:
    """The unit vector (n,) with the least sum of squared angles to unit vectors (N, n), found from their plain mean.

    They must lie in one half of the sphere, where there is one such vector.
    """
    mean = unit(points.sum(0))
    for _ in range(MOST):
        step = towards(mean, points).mean(0)
        length = step.norm()
        mean = unit(torch.cos(length) * mean + torch.sinc(length / torch.pi) * step)
        if float(length) < TOLERANCE:
            break
    return mean


def towards(base: Tensor, points: Tensor) -> Tensor:
    """The way from a unit vector (n,) to others (N, n) along the sphere: tangents as long as the angles, (N, n)."""
    cosines = (points @ base)[:, None]
    outside = points - cosines * base
    angles = torch.atan2(outside.norm(dim=1, keepdim=True), cosines)
    return outside / torch.sinc(angles / torch.pi)


def unit(vectors: Tensor) -> Tensor:
    """Vectors (…, n), each of length 1; 0 stays 0."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / lengths.clamp(min=torch.finfo(vectors.dtype).tiny)
