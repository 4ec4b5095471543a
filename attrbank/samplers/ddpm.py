"""Denoising diffusion probabilistic models, arXiv:2006.11239."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrbank.diffusion.protocols import Grid, Prediction
from attrbank.diffusion.schedule import CLEAN, Schedule, timestep_grid
from attrbank.errors import InvalidValueError

if TYPE_CHECKING:  # grids are laid out for plans, without torch
    from torch import Tensor


class DDPM:
    """Ancestral sampling with the posterior's own variance, ``fixed_small`` in diffusers; any grid will do.

    The last step returns x̂0 itself, as in the paper, where ᾱ is 1 at the clean end whatever the schedule says.
    """

    name = "ddpm"
    stochastic = True

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
        """Eq. 6 and 7 with α = ᾱ_t / ᾱ_prev, so that strided grids are exact too.

        Shapes:
            x, noise, prediction's: (B, C, H, W)

        Raises:
            InvalidValueError: no noise is given.
        """
        if noise is None:
            raise InvalidValueError("DDPM needs noise.")
        if t_prev == CLEAN:
            return prediction.x0, None
        alpha_bar, alpha_bar_prev = schedule.alpha_bar(t), schedule.alpha_bar(t_prev)
        alpha = alpha_bar / alpha_bar_prev
        beta = 1 - alpha
        signal = alpha_bar_prev**0.5 * beta / (1 - alpha_bar)
        memory = alpha**0.5 * (1 - alpha_bar_prev) / (1 - alpha_bar)
        variance = (1 - alpha_bar_prev) / (1 - alpha_bar) * beta
        return signal * prediction.x0 + memory * x + variance**0.5 * noise, None
