"""Attribute vectors from the difference: where the attribute is, how large it is, and how it is added."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.avi.factors import factorise, full_precision, require_finite
from attrbank.avi.integrate import add_edit
from attrbank.avi.objective import squared_norm
from attrbank.errors import InvalidValueError


class DifferenceVectors(NamedTuple):
    """The left and right attribute vectors of every channel, strongest first.

    Shapes:
        u: (C, H, r), orthonormal columns.
        vh: (C, r, W), orthonormal rows.
    """

    u: Tensor
    vh: Tensor


def signal_and_noise(alpha_bar: float) -> tuple[float, float]:
    """The factors √ᾱ and √(1−ᾱ) of x_t = √ᾱ x̂0 + √(1−ᾱ) ε.

    Raises:
        InvalidValueError: ᾱ is not in [0, 1].
    """
    if not 0 <= alpha_bar <= 1:
        raise InvalidValueError(f"ᾱ is {alpha_bar:g}, but a signal variance lies between 0 and 1.")
    return math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)


def predicted_difference(x0_source: Tensor, x0_target: Tensor, alpha_bar_x: float) -> Tensor:
    """docs/method.md 5.1: dⁿ = √ᾱ(T_x) (ẑ0ⁿ − x̂0ⁿ), the attribute at T_x's signal level.

    Shapes:
        x0_source, x0_target: (M, C, H, W), predicted from the same noise.
        returns: (M, C, H, W), at least float32.

    Raises:
        InvalidValueError: ᾱ is not in [0, 1].
        NumericError: the difference is not finite.
    """
    signal, _ = signal_and_noise(alpha_bar_x)
    difference = signal * (full_precision(x0_target) - full_precision(x0_source))
    return require_finite(difference, "The difference of the two predictions")


def mean_vectors(differences: Tensor, rank: int) -> tuple[DifferenceVectors, Tensor]:
    """docs/method.md 5.2, ``mean``: the truncated SVD of d̄, the best rank-r approximation of the mean difference.

    Shapes:
        differences: (M, C, H, W).
        returns: vectors (C, H, r), (C, r, W), and their diagonal core (C, r, r).

    Raises:
        InvalidValueError: the rank is not in [1, min(H, W)].
        NumericError: a difference is not finite.
    """
    _check_rank(differences, rank)
    u, s, vh = factorise(full_precision(differences).mean(0))
    return DifferenceVectors(u[..., :rank], vh[..., :rank, :]), torch.diag_embed(s[..., :rank])


def shared_vectors(differences: Tensor, rank: int) -> DifferenceVectors:
    """docs/method.md 5.2, ``mlp``: U_d from all differences side by side, V_d from all on top of each other.

    Shapes:
        differences: (M, C, H, W).
        returns: vectors (C, H, r), (C, r, W).

    Raises:
        InvalidValueError: the rank is not in [1, min(H, W)].
        NumericError: a difference is not finite.
    """
    _check_rank(differences, rank)
    side_by_side = differences.permute(1, 2, 0, 3).flatten(2)  # (C, H, M·W)
    on_top = differences.permute(1, 0, 2, 3).flatten(1, 2)  # (C, M·H, W)
    return DifferenceVectors(factorise(side_by_side).u[..., :rank], factorise(on_top).vh[..., :rank, :])


def _check_rank(differences: Tensor, rank: int) -> None:
    largest = min(differences.shape[-2:])
    if not 1 <= rank <= largest:
        raise InvalidValueError(
            f"The rank is {rank}, but these latents have ranks from 1 to {largest}.", hint="Try --rank 4."
        )


def least_squares_cores(differences: Tensor, vectors: DifferenceVectors) -> Tensor:
    """docs/method.md 5.2: Kⁿ = U_dᵀ dⁿ V_dᵀ, the core that brings U_d Kⁿ V_d nearest to dⁿ.

    Shapes:
        differences: (M, C, H, W); vectors: (C, H, r), (C, r, W).
        returns: (M, C, r, r).
    """
    return vectors.u.mT @ full_precision(differences) @ vectors.vh.mT


def difference_from(vectors: DifferenceVectors, core: Tensor) -> Tensor:
    """docs/method.md 5.3: the difference U_d K V_d.

    Shapes:
        vectors: (C, H, r), (C, r, W); core: (..., C, r, r).
        returns: (..., C, H, W).
    """
    return vectors.u @ core @ vectors.vh


def unit(differences: Tensor, predicted: Tensor) -> float:
    """docs/method.md 5.4: rms‖dⁿ‖ / rms‖predicted‖, the factor that makes strength 1 the full effect.

    Averaging over seeds cancels what they do not share, so that a mean is shorter than any one difference.

    Shapes:
        differences: (M, C, H, W).
        predicted: (N, C, H, W), one per seed, or (C, H, W), the one that serves all.

    Raises:
        InvalidValueError: the prediction is zero, so that no factor gives it a size.
        NumericError: the result is not finite.
    """
    size = squared_norm(predicted if predicted.dim() == 4 else predicted.unsqueeze(0)).mean().sqrt()
    if size == 0:
        raise InvalidValueError(
            "Source and target lead to the same latents, so there is no difference to learn.",
            hint="Let the target name or show something that the source does not.",
        )
    return require_finite(squared_norm(differences).mean().sqrt() / size, "The difference's unit").item()


def add_difference(x: Tensor, difference: Tensor, strength: float) -> Tensor:
    """docs/method.md 5.3: y = x + s · difference; s = 0 is the identity, bit for bit.

    Shapes:
        x: (B, C, H, W), any floating dtype; difference: (B, C, H, W) or (C, H, W).
        returns: (B, C, H, W) in the dtype of x.

    Raises:
        InvalidValueError: the strength is not finite.
        NumericError: the difference or y is not finite.
    """
    if not math.isfinite(strength):
        raise InvalidValueError("A strength must be a finite number.", hint="Try 1, the attribute's full effect.")
    require_finite(difference, "The attribute's difference")
    return add_edit(x, strength * full_precision(difference))
