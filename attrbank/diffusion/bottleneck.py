"""The narrowest place of a UNet, where editing in the h-space of arXiv 2210.10960 acts.

A backbone that has one may show what it makes there, and let it be changed. Transformers have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from attrbank.errors import IncompatibleError

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.diffusion.protocols import Backbone, Conditioning

Change: TypeAlias = "Callable[[Tensor, int], Tensor]"
"""What becomes of features (B, C', H', W') at a timestep; of a guided call, the rows without the prompt come first."""


class Bottleneck(Protocol):
    """A backbone with a bottleneck."""

    def features(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Tensor:
        """What the network makes of latents (B, C, H, W) at its bottleneck, (B, C', H', W'), float32.

        Differentiable in the latent. No row knows of the others, and no more of the network runs than it takes.
        """
        ...

    def injecting(self, change: Change) -> Backbone:
        """The same model, which goes on from ``change(h, t)`` instead of its features h; this one stays as it is.

        Changes of changes follow one another.
        """
        ...


class Features(Protocol):
    """What a UNet makes of latents x at its bottleneck, h(x), by its Jacobian."""

    def pull_back(self, x: Tensor, cotangent: Tensor) -> Tensor:
        """Jᵀu (B, C, H, W) at latents x (B, C, H, W), of a change u of h, (B, C', H', W')."""
        ...

    def push_forward(self, x: Tensor, tangent: Tensor) -> Tensor:
        """Jv (B, C', H', W') at latents x, of a change v of them, both (B, C, H, W)."""
        ...


def bottleneck_of(model: Any, wanted_by: str) -> Bottleneck:
    """The model, if it has a bottleneck.

    Args:
        model: a backbone.
        wanted_by: who acts there, for the message.

    Raises:
        IncompatibleError: it has none.
    """
    if not (hasattr(model, "features") and hasattr(model, "injecting")):
        raise IncompatibleError(
            f"{wanted_by} acts at the bottleneck of a UNet, and {model.name} shows none: it has no features.",
            hint="Stable Diffusion up to XL has it, and unconditional models; transformers have no such place.",
        )
    return cast(Bottleneck, model)
