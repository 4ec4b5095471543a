"""What a UNet makes of latents at its bottleneck, h(x), and products with that map's Jacobian.

Nothing of it is guided: guidance mixes predictions, of which the bottleneck knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from attrbank.diffusion.bottleneck import bottleneck_of
from attrbank.diffusion.finite import finite
from attrbank.diffusion.forward_mode import kernels_for
from attrbank.diffusion.protocols import Conditioning
from attrbank.diffusion.trajectory import Trajectory

WANTED_BY = "A product with its Jacobian"


class FeatureMap:
    """h at one step of a run, under one prompt.

    What is counted is as if the network ran to its end, which it does not.

    Args:
        trajectory: whose model it is.
        index: of the step on its grid.
        conditioning: of one prompt.

    Raises:
        IncompatibleError: the model has no bottleneck.
    """

    def __init__(self, trajectory: Trajectory, index: int, conditioning: Conditioning) -> None:
        self._bottleneck = bottleneck_of(trajectory.backbone, WANTED_BY)
        self._run, self._timestep = trajectory.unguided(), trajectory.grid[index][0]
        self._conditioning = conditioning

    def pull_back(self, x: Tensor, cotangent: Tensor) -> Tensor:
        """Jᵀu (B, C, H, W): of all changes of the latent, the one that makes most of a change u of h.

        Args:
            x: latents, (B, C, H, W).
            cotangent: u, (B, C', H', W').

        Raises:
            NumericError: it is not finite.
        """
        parts: list[Tensor] = []
        for rows in self._batches(x):
            latent = x[rows].detach().requires_grad_()
            with torch.enable_grad():
                parts += torch.autograd.grad(self._of(latent), latent, cotangent[rows])
        self._run.count(3 * len(x))
        return finite(torch.cat(parts), "What came back from the bottleneck")

    def push_forward(self, x: Tensor, tangent: Tensor) -> Tensor:
        """Jv (B, C', H', W'): to first order what a change v of the latent, like x (B, C, H, W), makes of h.

        Raises:
            NumericError: it is not finite.
        """
        parts = [
            torch.func.jvp(self._of, (x[rows].contiguous(),), (tangent[rows].contiguous(),))[1]
            for rows in self._batches(x)
        ]
        self._run.count(2 * len(x))
        return finite(torch.cat(parts), "What went to the bottleneck along with the latent")

    def _of(self, latent: Tensor) -> Tensor:
        told = {name: tensor.expand(len(latent), *tensor.shape[1:]) for name, tensor in self._conditioning.items()}
        with kernels_for(latent):
            return self._bottleneck.features(latent, self._timestep, told)

    def _batches(self, x: Tensor) -> Iterator[slice]:
        size = self._run.batch_size
        return (slice(first, first + size) for first in range(0, len(x), size))
