"""Denoising diffusion implicit models, arXiv:2010.02502."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrbank.diffusion.protocols import Grid, Prediction
from attrbank.diffusion.schedule import Schedule, timestep_grid
from attrbank.errors import InvalidValueError

if TYPE_CHECKING:  # grids are laid out for plans, without torch
    from torch import Tensor


class DDIM:
    """DDIM: deterministic at η = 0, ancestral at η = 1.

    Args:
        eta: η in [0, 1], the share of the posterior's standard deviation that is drawn anew.

    Raises:
        InvalidValueError: η is outside [0, 1].
    """

    name = "ddim"

    def __init__(self, eta: float = 0.0) -> None:
        if not 0 <= eta <= 1:
            raise InvalidValueError(f"DDIM's eta lies in [0, 1], not {eta:g}.")
        self.eta = eta
        self.stochastic = eta > 0

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
        """Eq. 12: point at x̂0, go back along ε, add σ of new noise.

        Shapes:
            x, noise, prediction's: (B, C, H, W)

        Raises:
            InvalidValueError: η > 0 and no noise is given.
        """
        alpha_bar_prev = schedule.alpha_bar(t_prev)
        sigma = self.eta * posterior_deviation(schedule.alpha_bar(t), alpha_bar_prev)
        # Rounding may leave −1e-17 under the root where σ² takes all that is left.
        direction = max(1 - alpha_bar_prev - sigma**2, 0.0) ** 0.5
        x_prev = alpha_bar_prev**0.5 * prediction.x0 + direction * prediction.eps
        if not self.stochastic:
            return x_prev, None
        if noise is None:
            raise InvalidValueError("DDIM with eta above 0 needs noise.")
        return x_prev + sigma * noise, None

    def invert(self, x_prev: Tensor, prediction: Prediction, t: int, t_prev: int, schedule: Schedule) -> Tensor:
        """Eq. 12 solved for the latent at ``t``: take ε's share out of ``x_prev``, and put that of ``t`` in.

        Shapes:
            x_prev, returns: (B, C, H, W)

        Raises:
            InvalidValueError: η > 0, where steps cannot be undone.
        """
        if self.stochastic:
            raise InvalidValueError("DDIM with eta above 0 cannot be inverted.")
        alpha_bar, alpha_bar_prev = schedule.alpha_bar(t), schedule.alpha_bar(t_prev)
        x0 = (x_prev - (1 - alpha_bar_prev) ** 0.5 * prediction.eps) / alpha_bar_prev**0.5
        x: Tensor = alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * prediction.eps
        return x


def posterior_deviation(alpha_bar: float, alpha_bar_prev: float) -> float:
    """Eq. 16 at η = 1: the standard deviation of q(x_prev | x_t, x0).

    Zero from clean to clean, where the formula would divide 0 by 0.
    """
    if alpha_bar == 1:
        return 0.0
    variance = (1 - alpha_bar_prev) / (1 - alpha_bar) * (1 - alpha_bar / alpha_bar_prev)
    return float(variance**0.5)
