"""Training the convolutional Φ on the differences of single seeds."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from attrbank.avi.difference_net import DifferenceNet, coarse
from attrbank.avi.factors import nonzero, require_finite
from attrbank.avi.fit import OnStep
from attrbank.avi.objective import squared_norm

BATCH = 32
EPOCHS = 30
RATE = 2e-3
DECAY = 0.02
WARM_UP = 20
HELD_OUT_EVERY = 5


def fit_differences(
    views: Tensor, differences: Tensor, mean: Tensor, *, generator: torch.Generator, on_step: OnStep
) -> tuple[DifferenceNet, float]:
    """Train Φ to predict, from a picture's predicted clean latent, what its difference has beyond the mean.

    A fifth of the seeds is held out once, to say how much Φ explains; the network that is returned learns from all.

    Args:
        views: clean latents under the source prompt as they are predicted at several times, so that Φ serves at each.
        differences: one a seed.
        mean: what is added to Φ's answer.
        generator: of the first weights and the order of samples.
        on_step: told of every training step.

    Shapes:
        views: (K, M, C, H, W); differences: (M, C, H, W); mean: (C, H, W).

    Returns:
        Φ, and what it explains of held-out seeds beyond the mean d̄ of the others: 1 − Σ‖dⁿ − d̄ − Φ‖² / Σ‖dⁿ − d̄‖².
        That is 0 if there are too few seeds to hold one out.

    Raises:
        NumericError: a latent, a difference or the trained network is not finite.
    """
    x0 = torch.stack([coarse(require_finite(view, "The predicted clean latent")) for view in views])  # (K, M, C, h, w)
    residuals = coarse(require_finite(differences - mean, "The difference"))  # (M, C, h, w)
    held_out = torch.arange(len(residuals)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    counted = _counted(on_step, x0, [~held_out, torch.ones_like(held_out)] if held_out.any() else [~held_out])
    explained = 0.0
    if held_out.any():
        beyond = differences - differences[~held_out].mean(0)  # no mean of all: that knows the seeds held out
        judged = _trained(x0[:, ~held_out], coarse(beyond[~held_out]), generator, counted)
        with torch.no_grad():
            missed = squared_norm(judged(views[0, held_out]) - beyond[held_out]).sum()
        explained = (1 - missed / nonzero(squared_norm(beyond[held_out]).sum())).item()
    return _trained(x0, residuals, generator, counted), explained


def _counted(on_step: OnStep, x0: Tensor, runs: list[Tensor]) -> Callable[[], None]:
    """Counts steps over all runs, each of which learns from the seeds that it is given as (M,) bool."""
    total, done = sum(_steps(len(x0) * int(rows.sum())) for rows in runs), 0

    def count() -> None:
        nonlocal done
        done += 1
        on_step(done, total)

    return count


def _steps(samples: int) -> int:
    return EPOCHS * math.ceil(samples / BATCH)


def _trained(x0: Tensor, residuals: Tensor, generator: torch.Generator, on_step: Callable[[], None]) -> DifferenceNet:
    """A network that learned from all of x0 (K, M, C, h, w) and residuals (M, C, h, w)."""
    seen = x0.flatten(0, 1)  # (K·M, C, h, w)
    answers = residuals.expand(len(x0), *residuals.shape).flatten(0, 1)
    net = DifferenceNet.untrained(seen.shape[1], generator)
    net.standardise(seen, answers)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    steps = _steps(len(seen))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda done: _share_of_rate(done, steps))
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(seen), generator=generator), BATCH):
            loss = ((net.answers(seen[rows]) - answers[rows]) / net.difference_spread).square().mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            on_step()
    net.freeze()
    return net


def _share_of_rate(done: int, steps: int) -> float:
    """Up from nothing, then level, then down to nothing over the second half."""
    return min(1.0, (done + 1) / WARM_UP, 2 * (steps - done) / steps)
