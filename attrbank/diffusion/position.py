"""Where a batch of latents stands on its way along a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Position:
    """A batch of latents somewhere on a grid. Never changed in place, so any number of runs may leave from it.

    Attributes:
        latent: (B, C, H, W).
        index: steps taken so far, 0 … len(grid); len(grid) is the clean end.
        seeds: one per row; they also decide the noise of every later step.
        state: the sampler's own, None where it starts afresh.
        is_known_finite: whether the latent was looked at when a step made it; any other is looked at before it is used.
        clean: x̂0 (B, C, H, W) as the step that led here predicted it; None where no step has been taken.
    """

    latent: Tensor
    index: int
    seeds: tuple[int, ...]
    state: Any = None
    is_known_finite: bool = False
    clean: Tensor | None = None

    def edited(self, latent: Tensor) -> Position:
        """The same place with another latent (B, C, H, W); the sampler forgets what came before."""
        return replace(self, latent=latent, state=None, is_known_finite=False)

    def rows(self, chosen: Sequence[int]) -> Position:
        """Some of the pictures, by their places in the batch; the sampler forgets what came before."""
        seeds, clean = tuple(self.seeds[row] for row in chosen), self.clean
        known = None if clean is None else clean[chosen]
        return replace(self, latent=self.latent[chosen], seeds=seeds, state=None, clean=known)

    def branched(self) -> Position:
        """The same place for a run under another prompt; the sampler forgets what came before."""
        return replace(self, state=None)
