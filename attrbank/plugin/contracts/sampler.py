"""The promises of a sampler, held against data whose answer is known (``gaussian``)."""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Grid, InvertibleSampler, Sampler
from attrbank.diffusion.schedule import CLEAN
from attrbank.names import validate_name
from attrbank.plugin.contracts.base import Contract, normal, require, require_close, require_finite
from attrbank.plugin.contracts.gaussian import SCHEDULE, best_prediction, expected_variances, variances

_SHAPE = (3, 4, 8, 8)


class SamplerContract(Contract):
    """Any sampler, whatever its order and state.

    Attributes:
        order: of convergence, for deterministic samplers: halving the step divides the error by 2 ** order. None is
            what the sampler claims itself, in an attribute ``order``, or 1.
    """

    order: int | None = None

    def make(self) -> Sampler:
        """A new sampler to test, as its registered target makes it."""
        raise NotImplementedError

    def test_it_says_what_it_is(self) -> None:
        """A name that can be typed, and whether it wants noise."""
        validate_name(self.subject.name.partition(":")[0])  # parameters follow
        require(isinstance(self.subject.stochastic, bool), "stochastic is neither True nor False")

    def test_the_grid_runs_from_noise_to_the_clean_end(self) -> None:
        """Every t_prev is the next t, t never rises, and the last t_prev is −1, whatever the number of steps."""
        for steps in (1, 2, 7, 50):
            grid = self._grid(steps)
            require(len(grid) >= steps, f"{steps} steps give a grid of {len(grid)}")
            require(grid[-1][1] == CLEAN, f"the grid of {steps} steps ends at {grid[-1][1]}, not at {CLEAN}")
            for (t, t_prev), (following, _) in pairwise(grid):
                require(t >= t_prev == following, f"the step {t} → {t_prev} is followed by one from {following}")
            require(grid[0][0] < SCHEDULE.train_timesteps, f"the grid begins at {grid[0][0]}, beyond training")

    def test_noise_around_a_single_point_has_the_right_variance(self) -> None:
        """Data without variance has the same ε everywhere along a path, so that even coarse grids are exact."""
        for steps in (7, 50):
            self._check_variances(steps, 0.0, tolerance=2e-3)

    def test_the_marginal_variance_is_right_at_every_step(self) -> None:
        """On a fine grid every step's latents are distributed as training's."""
        for data_variance in (0.25, 1.0, 4.0):
            self._check_variances(500, data_variance, tolerance=0.05 * max(1.0, data_variance))

    def test_it_converges_with_its_order(self) -> None:
        """The probability flow scales x by standard deviations, so the exact end of a deterministic run is known."""
        if self.subject.stochastic:
            return
        order: int = self.order or getattr(self.subject, "order", None) or 1
        errors = [max(self._error(steps, deviation) for deviation in (0.5, 2.0)) for steps in (50, 100, 200)]
        for coarse, fine in pairwise(errors):
            reached = fine < 1e-5 or coarse / fine > 0.85 * 2**order
            require(reached, f"the errors {errors} do not fall with order {order}")

    def test_it_repeats_itself(self) -> None:
        """Equal inputs give equal bits, and the global generator is left alone."""
        before = torch.get_rng_state()
        first, second = self._run(normal(*_SHAPE)), self._run(normal(*_SHAPE))
        require(torch.equal(first, second), "two runs from the same latent differ")
        require(torch.equal(before, torch.get_rng_state()), "it draws numbers of its own, instead of using the noise")

    def test_noise_matters_to_a_stochastic_sampler(self) -> None:
        """All randomness comes through the noise."""
        if self.subject.stochastic:
            same = torch.equal(self._run(normal(*_SHAPE)), self._run(normal(*_SHAPE), noise_seed=9))
            require(not same, "other noise gives the same latent")

    def test_what_it_is_given_stays_as_it_is(self) -> None:
        """Latent, prediction and noise belong to the caller."""
        state = None
        for index, (t, t_prev) in enumerate(self._grid(5)):
            x = normal(*_SHAPE, seed=index)
            prediction, noise = best_prediction(x, t, 1.0), self._noise(index, x)
            given = [tensor for tensor in (x, *prediction, noise) if tensor is not None]
            copies = [tensor.clone() for tensor in given]
            _, state = self.subject.step(x, prediction, t, t_prev, SCHEDULE, noise, state)
            require(all(map(torch.equal, given, copies)), f"the step {t} → {t_prev} changes its arguments")

    def test_a_copied_state_goes_on_as_the_original(self) -> None:
        """A branch leaves from a copy of the state, more than once."""
        grid = self._grid(8)
        x, state = self._advance(normal(*_SHAPE), None, grid, 0, 4)
        copied = copy.deepcopy(state)
        first, _ = self._advance(x, state, grid, 4, len(grid))
        require(torch.equal(first, self._advance(x, copied, grid, 4, len(grid))[0]), "a copied state goes elsewhere")

    def test_it_can_start_afresh_anywhere(self) -> None:
        """After an edit the state is None in the middle of a grid; the latents still end where they should."""
        grid = self._grid(50)
        moving = next(index for index in range(len(grid) // 2, len(grid)) if grid[index][0] != grid[index][1])
        x, _ = self._advance(normal(*_SHAPE), None, grid, 0, moving)
        whole, _ = self._advance(x, None, grid, moving, len(grid))
        require_finite("the latent after a fresh start", whole, _SHAPE)
        deviation = float(whole.std())
        require(0.8 < deviation < 1.2, f"after a fresh start the deviation of N(0, 1) comes out as {deviation:.3f}")

    def test_a_batch_is_its_rows(self) -> None:
        """No row knows of the others."""
        x = normal(*_SHAPE)
        batch = self._run(x)
        rows = torch.cat([self._run(x[row : row + 1], row=row) for row in range(len(x))])
        require_close("a batch and its rows", batch, rows, 1e-4)

    def test_going_back_undoes_a_step(self) -> None:
        """With the prediction that the step was made with, and anywhere on the grid."""
        if self.subject.stochastic or not isinstance(self.subject, InvertibleSampler):
            return
        for t, t_prev in self._grid(7):
            x = normal(*_SHAPE)
            prediction = best_prediction(x, t, 1.0)
            x_prev, _ = self.subject.step(x, prediction, t, t_prev, SCHEDULE, None, None)
            found = self.subject.invert(x_prev, prediction, t, t_prev, SCHEDULE)
            require_close(f"the step {t} → {t_prev}, taken and undone,", x, found, 1e-4)

    def _error(self, steps: int, deviation: float) -> float:
        """How far the end is off; errors may cancel on some grid, but not for wide and narrow data alike."""
        *_, final = variances(self.subject, self._grid(steps), deviation**2)
        return abs(math.sqrt(final) - deviation)

    def _grid(self, steps: int) -> Grid:
        grid: Grid = self.subject.grid(steps, SCHEDULE)
        return grid

    def _check_variances(self, steps: int, data_variance: float, *, tolerance: float) -> None:
        grid = self._grid(steps)
        expected = expected_variances(grid, data_variance)
        for (t, t_prev), found, right in zip(grid, variances(self.subject, grid, data_variance), expected, strict=True):
            require(
                abs(found - right) <= tolerance,
                f"after the step {t} → {t_prev} of {steps} the variance is {found:.4f} instead of {right:.4f}",
            )

    def _run(self, x: Tensor, *, noise_seed: int = 1, row: int | None = None) -> Tensor:
        grid = self._grid(10)
        latent, _ = self._advance(x, None, grid, 0, len(grid), noise_seed=noise_seed, row=row)
        require_finite("the last latent", latent, tuple(x.shape))
        return latent

    def _advance(
        self, x: Tensor, state: Any, grid: Grid, first: int, last: int, *, noise_seed: int = 1, row: int | None = None
    ) -> tuple[Tensor, Any]:
        for index in range(first, last):
            t, t_prev = grid[index]
            noise = self._noise(noise_seed + index, normal(*_SHAPE) if row is not None else x)
            noise = noise[row : row + 1] if noise is not None and row is not None else noise
            x, state = self.subject.step(x, best_prediction(x, t, 1.0), t, t_prev, SCHEDULE, noise, state)
        return x, state

    def _noise(self, seed: int, x: Tensor) -> Tensor | None:
        return normal(*x.shape, seed=seed) if self.subject.stochastic else None
