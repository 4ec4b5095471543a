"""The pullback basis at one latent: which changes of it move the bottleneck most, and what they make of it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from torch import Tensor

from attrbank.plugin import strongest

MOST, TOLERANCE = 50, 1e-4
"""Iterations at most, and how far the span may still turn, as published."""


Product: TypeAlias = Callable[[Tensor], Tensor]


class Map(Protocol):
    """A map to the bottleneck by its Jacobian."""

    def push_forward(self, x: Tensor, tangent: Tensor) -> Tensor:
        """Jv (K, C', H', W'), of latents x and changes v of them, both (K, C, H, W)."""
        ...

    def pull_back(self, x: Tensor, cotangent: Tensor) -> Tensor:
        """Jᵀu (K, C, H, W), of latents x and changes u of h (K, C', H', W')."""
        ...


class Basis(NamedTuple):
    """J = U Σ Vᵀ, as far as it was found, with h written flat.

    Attributes:
        outputs: the columns of U, (K, D).
        values: those of Σ, (K,), the largest first.
        inputs: the columns of V, (K, C, H, W).
        turned: the sine of the angle by which the last iteration turned the span of those that were wanted.
        iterations: how many there were.
    """

    outputs: Tensor
    values: Tensor
    inputs: Tensor
    turned: float
    iterations: int

    def transported(self, direction: Tensor) -> Tensor:
        """What of a direction (D,) of h lies in the span of this picture's own, (D,)."""
        return self.outputs.T @ (self.outputs @ direction)


def products(shown: Map, x: Tensor) -> tuple[Product, Product]:
    """J and Jᵀ at a latent (1, C, H, W), of any number of vectors at once."""

    def push(vectors: Tensor) -> Tensor:
        return shown.push_forward(x.expand_as(vectors), vectors)

    def pull(changes: Tensor) -> Tensor:
        return shown.pull_back(x.expand(len(changes), *x.shape[1:]), changes)

    return push, pull


def basis(
    shown: Map,
    x: Tensor,
    start: Tensor,
    *,
    wanted: int | None = None,
    most: int = MOST,
    tolerance: float = TOLERANCE,
) -> Basis:
    """The basis at a latent.

    Args:
        shown: the map to the bottleneck.
        x: the latent, (1, C, H, W).
        start: where the iteration begins, (K, C, H, W).
        wanted: how many must be found; the others of the K come along.
        most: iterations.
        tolerance: of ``turned``.
    """
    push, pull = products(shown, x)
    found = strongest(push, pull, start, wanted=wanted, most=most, tolerance=tolerance)
    outputs = push(found.vectors).flatten(1) / found.values[:, None]
    return Basis(outputs, found.values, found.vectors, found.turned, found.iterations)
