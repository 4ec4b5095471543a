"""The objective that Φ is trained on: L = λ1 L1 + λ2 L2 + λ3 L3 + λ4 L4."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import NamedTuple

from torch import Tensor

from attrbank.avi.factors import factorise, full_precision, reconstruct
from attrbank.avi.integrate import Tail, integrate, reverse_order
from attrbank.errors import InvalidValueError


@dataclass(frozen=True)
class Lambdas:
    """Weights of the four terms; the paper's are 3, 10, 10, 10.

    Attributes:
        target: λ1, of ‖ŷ − z‖².
        source: λ2, of ‖ỹ − x‖².
        target_spectrum: λ3, of ‖S − S_z‖².
        source_spectrum: λ4, of ‖S + Δs − S_x‖².

    Raises:
        InvalidValueError: a weight is not positive, so that the minimum may not be unique.
    """

    target: float = 3.0
    source: float = 10.0
    target_spectrum: float = 10.0
    source_spectrum: float = 10.0

    def __post_init__(self) -> None:
        if not all(0 < weight < math.inf for weight in astuple(self)):
            raise InvalidValueError("The weights λ of the objective must be positive and finite.")


PAPER_LAMBDAS = Lambdas()


class Problem(NamedTuple):
    """What the objective asks of S and Δs: the integrated vectors, and what they should come to.

    Shapes:
        u_hat: (B, C, H, r), vh_hat: (B, C, r, W), both at ρ = 1.
        x, z: (B, C, H, W); s_x, s_z: (B, C, r), their singular values.
    """

    u_hat: Tensor
    vh_hat: Tensor
    x: Tensor
    z: Tensor
    s_x: Tensor
    s_z: Tensor


def pose(x: Tensor, z: Tensor, k: int | None, tail: Tail) -> Problem:
    """Algorithm 1 in training: factorise both latents and integrate them at ρ = 1.

    Shapes:
        x, z: (B, C, H, W); z may have B = 1.

    Raises:
        InvalidValueError: k is out of range.
        IncompatibleError: x and z have different shapes.
        NumericError: a latent is not finite.
    """
    x_factors, z_factors = factorise(x), factorise(z)
    u_hat, vh_hat = integrate(x_factors, z_factors, k, 1.0, tail)
    s_z = z_factors.s.expand_as(x_factors.s)
    return Problem(u_hat, vh_hat, full_precision(x), full_precision(z).expand_as(x), x_factors.s, s_z)


def objective(problem: Problem, s: Tensor, delta_s: Tensor, lambdas: Lambdas = PAPER_LAMBDAS) -> Tensor:
    """docs/method.md 2.4: the weighted terms L1..L4 per sample, summed over channels.

    Shapes:
        problem: of B samples; s, delta_s: (B, C, r).
        returns: (B,) in float64, since the square of 1e30 overflows float32.
    """
    u_hat, vh_hat, x, z, s_x, s_z = problem
    y_hat = reconstruct(u_hat, s, vh_hat)  # (B, C, H, W)
    u_tilde, vh_tilde = reverse_order(u_hat, vh_hat)
    y_tilde = reconstruct(u_tilde, s + delta_s, vh_tilde)  # (B, C, H, W)
    l1 = squared_norm(y_hat - z)
    l2 = squared_norm(y_tilde - x)
    l3 = squared_norm(s - s_z)
    l4 = squared_norm(s + delta_s - s_x)
    return lambdas.target * l1 + lambdas.source * l2 + lambdas.target_spectrum * l3 + lambdas.source_spectrum * l4


def squared_norm(tensor: Tensor) -> Tensor:
    """‖·‖² of each sample, in float64.

    Shapes:
        tensor: (B, ...).
        returns: (B,).
    """
    return tensor.double().square().flatten(1).sum(1)
