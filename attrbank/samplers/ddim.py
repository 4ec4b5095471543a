"""Denoising diffusion implicit models, arXiv:2010.02502."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrbank.diffusion.protocols import Grid, Prediction
from attrbank.diffusion.schedule import Schedule, timestep_grid

if TYPE_CHECKING:  # grids are laid out for plans, without torch
    from torch import Tensor


class DDIM:
    """The deterministic one of the family, η = 0; η = 1 is DDPM."""

    name = "ddim"
    stochastic = False

    def grid(self, steps: int, schedule: Schedule) -> Grid:
        """The schedule's own spacing; ``steps`` in 1 … T, else InvalidValueError."""
        return timestep_grid(steps, schedule)

    def step(
        self,
        x: Tensor,
        prediction: Prediction,
        t: int,
        t_prev: int,
        schedule: Schedule,
        noise: Tensor | None,
        state: None,
    ) -> tuple[Tensor, None]:
        """Eq. 12 with σ = 0: point at x̂0, and go back along ε.

        Shapes:
            x, prediction's, returns: (B, C, H, W)
        """
        alpha_bar = schedule.alpha_bar(t_prev)
        return alpha_bar**0.5 * prediction.x0 + (1 - alpha_bar) ** 0.5 * prediction.eps, None

    def invert(self, x_prev: Tensor, prediction: Prediction, t: int, t_prev: int, schedule: Schedule) -> Tensor:
        """Eq. 12 solved for the latent at ``t``: take ε's share out of ``x_prev``, and put that of ``t`` in.

        Shapes:
            x_prev, returns: (B, C, H, W)
        """
        alpha_bar, alpha_bar_prev = schedule.alpha_bar(t), schedule.alpha_bar(t_prev)
        x0 = (x_prev - (1 - alpha_bar_prev) ** 0.5 * prediction.eps) / alpha_bar_prev**0.5
        x: Tensor = alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * prediction.eps
        return x
