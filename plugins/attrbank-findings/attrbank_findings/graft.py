"""The paper's edit on a bench, with the exact minimiser of its objective in the place of the network."""

from __future__ import annotations

from torch import Tensor

from attrbank.plugin import (
    PAPER_LAMBDAS,
    Bench,
    Lambdas,
    PaperWithoutNetwork,
    Tail,
    Weights,
    apply_edit,
    blend_weights,
    factorise,
    integrate,
    pose,
    solve,
)

TAIL: Tail = "text"


class Graft:
    """Algorithm 1 at the paper's T_x, with each picture's own z from T_z.

    Args:
        bench: the pictures.
        target: the prompt of z.

    Attributes:
        x: the unedited latents at T_x, (B, C, H, W).
    """

    def __init__(self, bench: Bench, target: str) -> None:
        self._bench = bench
        self._start = bench.runs.at(bench.prompt, bench.index_of(PaperWithoutNetwork.t_x))
        self._z = bench.runs.at(target, bench.index_of(PaperWithoutNetwork.t_z)).latent
        self.x = self._start.latent

    def latents(self, rho: float, weights: Weights = "blend", lambdas: Lambdas = PAPER_LAMBDAS) -> Tensor:
        """The edited latents at T_x, (B, C, H, W).

        Raises:
            InvalidValueError: ρ is not in [0, 1].
        """
        factors = factorise(self.x)
        u_hat, vh_hat = integrate(factors, factorise(self._z), None, rho, TAIL)
        s, delta_s = solve(pose(self.x, self._z, None, TAIL), lambdas)
        return apply_edit(self.x, factors, u_hat, blend_weights(weights, factors.s, s, delta_s, rho), vh_hat)

    def images(self, latents: Tensor) -> Tensor:
        """The pictures (B, 3, h, w) that become of latents at T_x under the source prompt."""
        trajectory, source = self._bench.trajectory, self._bench.runs.conditioning(self._bench.prompt)
        return self._bench.images(trajectory.run(self._start.edited(latents), source).latent)
