"""Training Φ: the paper's network on re-noised pairs, and the compact one on least-squares cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from attrbank.avi.difference import DifferenceVectors, difference_from, least_squares_cores, signal_and_noise
from attrbank.avi.exact import solve
from attrbank.avi.factors import full_precision, nonzero, require_finite
from attrbank.avi.integrate import Tail
from attrbank.avi.network import CoreNet, SingularValueNet, channel_size
from attrbank.avi.objective import PAPER_LAMBDAS, Lambdas, Problem, objective, pose, squared_norm
from attrbank.errors import InvalidValueError

OnStep: TypeAlias = Callable[[int, int], None]
"""Called after every step with the steps done and their total."""

HELD_OUT = 0.1
CHUNK = 256
FOLDS = 4
CORE_STEPS = 400
CORE_RATE = 1e-3
CORE_DECAY = 1.0


def _quiet(done: int, total: int) -> None:
    pass


def renoised_pairs(
    x0: Tensor, z0: Tensor, *, alpha_bar_x: float, alpha_bar_z: float, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """docs/method.md 3.3, "N samples from one pair": x_i = √ᾱ x̂0 + √(1−ᾱ) ε_i, and z_i at T_z with the same ε_i.

    Shapes:
        x0, z0: (1, C, H, W) or (C, H, W), the pair's predicted clean latents.
        returns: x and z, (n, C, H, W).

    Raises:
        InvalidValueError: an ᾱ is not in [0, 1].
    """
    x0, z0 = full_precision(x0), full_precision(z0)
    noise = torch.randn(n, *x0.shape[-3:], generator=generator, dtype=x0.dtype)  # (n, C, H, W)
    signal_x, noise_x = signal_and_noise(alpha_bar_x)
    signal_z, noise_z = signal_and_noise(alpha_bar_z)
    return signal_x * x0 + noise_x * noise, signal_z * z0 + noise_z * noise


class SingularValueReport(NamedTuple):
    """How near the paper's Φ came to the exact minimiser: L(Φ) / L* − 1, 0 being perfect.

    Attributes:
        optimality_gap: over the samples that Φ was trained on.
        optimality_gap_held_out: over a tenth that it was not.
        optimality_gap_untrained: over the same tenth before training, when Φ answers one average for all latents.
    """

    optimality_gap: float
    optimality_gap_held_out: float
    optimality_gap_untrained: float


def fit_singular_values(
    net: SingularValueNet,
    x: Tensor,
    z: Tensor,
    *,
    k: int | None,
    tail: Tail,
    generator: torch.Generator,
    lambdas: Lambdas = PAPER_LAMBDAS,
    epochs: int = 5,
    batch_size: int = 256,
    rate: float = 1e-3,
    on_step: OnStep = _quiet,
) -> SingularValueReport:
    """docs/method.md 2.4: train Φ in place with Adam on the objective L at ρ = 1; a tenth of the samples is held out.

    The latents are decomposed once, before the loop.

    Shapes:
        x, z: (N, C, H, W) with N ≥ 2, in random order.

    Raises:
        InvalidValueError: there are fewer than two samples, or k is out of range.
        NumericError: a latent or the trained network is not finite.
    """
    if len(x) < 2:
        raise InvalidValueError("Φ needs at least two samples, one of them held out.", hint="Ask for 500.")
    problem = pose(x, z, k, tail)
    held_out = max(1, round(HELD_OUT * len(x)))
    seen, unseen = _rows(problem, slice(held_out, None)), _rows(problem, slice(held_out))
    _standardise(net, seen, lambdas)
    untrained = optimality_gap(net, unseen, lambdas)
    scale = nonzero(loss(net, next(_chunks(seen)), lambdas).mean().detach())
    optimiser = torch.optim.Adam(net.requires_grad_(True).parameters(), lr=rate)
    batches = list(_batches(len(seen.x), epochs, batch_size, generator))
    for done, rows in enumerate(batches, start=1):
        _descend(optimiser, loss(net, _rows(seen, rows), lambdas).mean() / scale)
        on_step(done, len(batches))
    net.freeze()
    return SingularValueReport(optimality_gap(net, seen, lambdas), optimality_gap(net, unseen, lambdas), untrained)


def loss(net: SingularValueNet, problem: Problem, lambdas: Lambdas) -> Tensor:
    """docs/method.md 2.4: L for the answers of Φ.

    Shapes:
        problem: of B samples.
        returns: (B,) in float64.
    """
    s, delta_s = net(problem.x)
    return objective(problem, s, delta_s, lambdas)


@torch.no_grad()
def optimality_gap(net: SingularValueNet, problem: Problem, lambdas: Lambdas = PAPER_LAMBDAS) -> float:
    """docs/method.md 3.2: L(Φ) / L* − 1 over all samples of the problem, 0 being perfect."""
    reached = torch.cat([loss(net, part, lambdas) for part in _chunks(problem)]).sum()
    least = torch.cat([objective(part, *solve(part, lambdas), lambdas=lambdas) for part in _chunks(problem)]).sum()
    return ((reached - least) / least).item() if least > 0 else 0.0


def _chunks(problem: Problem) -> Iterator[Problem]:
    # Thousands of latents in float64, all at once, would need gigabytes.
    for rows in torch.split(torch.arange(len(problem.x)), CHUNK):
        yield _rows(problem, rows)


def _rows(problem: Problem, rows: Tensor | slice) -> Problem:
    return Problem(*(part[rows] for part in problem))


def _batches(samples: int, epochs: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    for _ in range(epochs):
        yield from torch.split(torch.randperm(samples, generator=generator), batch_size)


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


@torch.no_grad()
def _standardise(net: SingularValueNet, problem: Problem, lambdas: Lambdas) -> None:
    # Heads that answer in units of the spread around the mean learn with one rate whatever the spectrum.
    best = [torch.stack(solve(part, lambdas)) for part in _chunks(problem)]
    answers = torch.cat(best, dim=1).float() / nonzero(channel_size(problem.x))  # (2, N, C, r)
    net.offset.copy_(answers.mean(1))
    net.spread.copy_(answers.std(1, correction=0))


class CoreReport(NamedTuple):
    """What predicted cores explain of the differences of seeds that were not trained on (cross-validated).

    The share is 1 − Σ‖dⁿ − U_d K V_d‖² / Σ‖dⁿ − d̄‖², so the mean explains about 0, and less where it overfits.

    Attributes:
        net: the share with K from Φ.
        mean: the share with K the mean core.
        steps: training steps, chosen on held-out seeds; 0 means that Φ learned nothing beyond the mean.
    """

    net: float
    mean: float
    steps: int


def fit_cores(
    x0: Tensor,
    differences: Tensor,
    vectors: DifferenceVectors,
    *,
    generator: torch.Generator,
    on_step: OnStep = _quiet,
) -> tuple[CoreNet, CoreReport]:
    """docs/method.md 5.3, ``mlp``: train Φ on the cores Kⁿ, for as long as seeds that it did not see profit.

    A few dozen seeds are too few to give some away, so each fold in turn is held out to find the number of steps,
    and the network that is returned learns from all.

    Shapes:
        x0: (M, C, H, W), predicted clean latents under the source prompt; differences: (M, C, H, W).
        vectors: (C, H, r), (C, r, W).

    Raises:
        NumericError: a latent, a difference or the trained network is not finite.
    """
    cores = require_finite(least_squares_cores(differences, vectors), "The difference's core").float()  # (M, C, r, r)
    channels, height, width = x0.shape[1:]
    net = CoreNet.untrained((channels, height, width), cores.shape[-1], generator)
    features = require_finite(net.features(x0), "The predicted clean latent")  # (M, C, h, w)
    errors = _held_out_errors(net, features, cores, generator, on_step)
    steps = int(errors.argmin())
    _standardise_cores(net, features, cores)
    for _ in _train_cores(net, features, cores, steps):
        pass
    net.freeze()
    outside = squared_norm(differences - difference_from(vectors, cores)).sum()
    variance = squared_norm(differences - differences.mean(0)).sum()
    explained = 1 - (outside + errors) / nonzero(variance)
    return net, CoreReport(explained[steps].item(), explained[0].item(), steps)


def _held_out_errors(
    net: CoreNet, features: Tensor, cores: Tensor, generator: torch.Generator, on_step: OnStep
) -> Tensor:
    """Σ‖Kⁿ − K‖² over held-out seeds after 0, 1, 2, ... training steps, summed over the folds."""
    samples = len(features)
    if samples == 1:
        return torch.zeros(1, dtype=torch.float64)
    folds = torch.randperm(samples, generator=generator).tensor_split(min(FOLDS, samples))
    errors = torch.zeros(CORE_STEPS + 1, dtype=torch.float64)
    for number, fold in enumerate(folds):
        held_out = torch.zeros(samples, dtype=torch.bool).index_fill(0, fold, value=True)
        learner = deepcopy(net)
        _standardise_cores(learner, features[~held_out], cores[~held_out])
        errors[0] += _core_error(learner, features[held_out], cores[held_out])
        for done in _train_cores(learner, features[~held_out], cores[~held_out], CORE_STEPS):
            errors[done] += _core_error(learner, features[held_out], cores[held_out])
            on_step(number * CORE_STEPS + done, len(folds) * CORE_STEPS)
    return errors


def _train_cores(net: CoreNet, features: Tensor, cores: Tensor, steps: int) -> Iterator[int]:
    """Descend on all samples at once, yielding the number of steps done."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=CORE_RATE, weight_decay=CORE_DECAY)
    for done in range(1, steps + 1):
        _descend(optimiser, ((net.cores(features) - cores) / net.core_spread).square().mean())
        yield done


@torch.no_grad()
def _core_error(net: CoreNet, features: Tensor, cores: Tensor) -> Tensor:
    return squared_norm(net.cores(features) - cores).sum()


@torch.no_grad()
def _standardise_cores(net: CoreNet, features: Tensor, cores: Tensor) -> None:
    net.feature_mean.copy_(features.mean(0))
    net.mean_core.copy_(cores.mean(0))
    # One spread per channel, not per element: what varies most among latents is also what is learned first.
    deviation = (features - net.feature_mean).double().square().mean(dim=(0, 2, 3)).sqrt()  # (C,)
    net.feature_spread.copy_(nonzero(deviation).view(-1, 1, 1))
    net.core_spread.copy_(nonzero((cores - net.mean_core).double().square().mean().sqrt()))
