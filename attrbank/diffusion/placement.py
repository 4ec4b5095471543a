"""Where a user wants a model's networks to run. Torch decides what is possible, later; here are only the wishes."""

from __future__ import annotations

from dataclasses import dataclass

from attrbank.text import Dtype

__all__ = ["Dtype", "Placement"]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Wishes; None leaves the choice to the backbone.

    Attributes:
        device: as torch names it: "cpu", "cuda", "cuda:1", "mps".
        dtype: the precision of the networks; latents and everything learned stay in float32.
        offload: keep the networks in main memory, and on the device only the one that is at work.
    """

    device: str | None = None
    dtype: Dtype | None = None
    offload: bool = False
