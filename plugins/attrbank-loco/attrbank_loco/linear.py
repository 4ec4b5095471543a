"""What a model makes of one latent, to first order, in a region of the clean latent."""

from __future__ import annotations

from torch import Tensor

from attrbank.plugin import Conditioning, Position, Trajectory


class Linearised:
    """The Jacobian of x̂0 at one latent, of which a part of the outputs is seen.

    Args:
        trajectory: to ask.
        position: of one picture.
        conditioning: of the prompt under which the model is asked.
        region: which outputs are seen, (1, 1, H, W) of ones and zeros.
    """

    def __init__(self, trajectory: Trajectory, position: Position, conditioning: Conditioning, region: Tensor) -> None:
        self._trajectory, self._position, self._conditioning = trajectory, position, conditioning
        self._region = region

    def push(self, tangents: Tensor) -> Tensor:
        """J V, (K, C, H, W), zero outside the region."""
        here = self._repeated(len(tangents))
        return self._region * self._trajectory.push_forward(here, self._conditioning, tangents)

    def pull(self, cotangents: Tensor) -> Tensor:
        """Jᵀ U, (K, C, H, W), of what U (K, C, H, W) has in the region."""
        here = self._repeated(len(cotangents))
        return self._trajectory.pull_back(here, self._conditioning, self._region * cotangents)

    def _repeated(self, rows: int) -> Position:
        latent, seeds = self._position.latent, self._position.seeds
        return Position(latent.expand(rows, *latent.shape[1:]), self._position.index, seeds * rows)
