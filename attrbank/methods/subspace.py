"""The strongest right singular vectors of a linear map that is known by its products alone.

Block subspace iteration, as LOCO Edit does it: V ← the right singular vectors of (JᵀJV)ᵀ, until they span what they
spanned before. The spans are compared, and not the vectors: a vector's sign is free, and so is a basis of those whose
singular values are equal, so that vectors may turn for ever in a span that has long been found. Methods of packages
look for directions by it, in the Jacobian of the clean latent or in that of the bottleneck.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

Product: TypeAlias = Callable[[Tensor], Tensor]
"""J, or its transpose, of K vectors at once: (K, C, H, W) to (K, C', H', W')."""

MOST, TOLERANCE = 50, 1e-4
"""Iterations at most, as published; and the sine of the largest angle by which a span may still turn."""

NEGLIGIBLE = 1e-3
"""A singular value of which share of the largest is as good as 0: what belongs to it is not determined."""


class Subspace(NamedTuple):
    """What was found.

    Attributes:
        vectors: (K, C, H, W), orthonormal, the strongest first; of K that were asked for those with a singular value.
        values: (K,), their singular values.
        turned: the sine of the largest angle by which the last iteration turned the span of those that were wanted.
        iterations: how many there were.
    """

    vectors: Tensor
    values: Tensor
    turned: float
    iterations: int


def strongest(
    push: Product,
    pull: Product,
    start: Tensor,
    *,
    wanted: int | None = None,
    most: int = MOST,
    tolerance: float = TOLERANCE,
) -> Subspace:
    """The right singular vectors of J with the largest singular values.

    Args:
        push: J.
        pull: Jᵀ.
        start: (K, C, H, W), as good as any: random.
        wanted: how many of the K must be found; the others come along, and make that quicker. By default all.
        most: iterations.
        tolerance: of ``turned``.
    """
    shape, turned, count = start.shape, 1.0, 0
    vectors = torch.linalg.qr(start.flatten(1).T)[0].T
    values = torch.zeros(len(start))
    while turned >= tolerance and count < most:
        count += 1
        returned = pull(push(vectors.reshape(shape))).flatten(1)  # VᵀJᵀJ, (K, n)
        _, squares, rows = torch.linalg.svd(returned, full_matrices=False)
        values = squares.sqrt()
        known = values > NEGLIGIBLE * values[0]
        turned = sine(vectors, rows[:wanted][known[:wanted]])
        vectors = rows
    known = values > NEGLIGIBLE * values[0]
    return Subspace(vectors[known].reshape(-1, *shape[1:]), values[known], turned, count)


def sine(span: Tensor, vectors: Tensor) -> float:
    """The sine of the largest angle between the span of orthonormal rows (K, n) and others (L, n); 0 without any."""
    outside = vectors - vectors @ span.T @ span
    return float(torch.linalg.matrix_norm(outside, 2)) if len(outside) else 0.0


def within(vector: Tensor, span: Tensor) -> Tensor:
    """What of a vector (C, H, W) lies in the span of orthonormal ones, (K, C, H, W)."""
    rows = span.flatten(1)
    return (rows.T @ (rows @ vector.flatten())).reshape(vector.shape)


def signed(direction: Tensor) -> Tensor:
    """The one of ±v whose largest number is positive: a singular vector's sign means nothing."""
    flat = direction.flatten()
    return direction if flat[flat.abs().argmax()] > 0 else -direction
