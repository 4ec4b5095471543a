"""The closed-form minimiser of the objective: no network, no training."""

from __future__ import annotations

import torch
from torch import Tensor

from attrbank.avi.integrate import reverse_order
from attrbank.avi.objective import PAPER_LAMBDAS, Lambdas, Problem


def solve(problem: Problem, lambdas: Lambdas = PAPER_LAMBDAS) -> tuple[Tensor, Tensor]:
    """docs/method.md 3.1, the minimum of L: with R = S + Δs it separates into two convex quadratics.

    Shapes:
        problem: of B samples.
        returns: s and delta_s, (B, C, r).
    """
    u_hat, vh_hat, x, z, s_x, s_z = problem
    s = best_weights(u_hat, vh_hat, goal=z, spectrum=s_z, fit=lambdas.target, anchor=lambdas.target_spectrum)
    u_tilde, vh_tilde = reverse_order(u_hat, vh_hat)
    r = best_weights(u_tilde, vh_tilde, goal=x, spectrum=s_x, fit=lambdas.source, anchor=lambdas.source_spectrum)
    return s, r - s


def best_weights(u: Tensor, vh: Tensor, *, goal: Tensor, spectrum: Tensor, fit: float, anchor: float) -> Tensor:
    """docs/method.md 3.1, one half of L: the S that minimises fit ‖U diag(S) V − goal‖² + anchor ‖S − spectrum‖².

    The gradient is zero where (fit G + anchor I) S = fit b + anchor spectrum, with G = (UᵀU) ∘ (VVᵀ) and
    b_i = u_iᵀ goal v_i. Solved in float64: an r × r system costs nothing, and b is a sum of H·W products.

    Shapes:
        u: (B, C, H, r), vh: (B, C, r, W), goal: (B, C, H, W), spectrum: (B, C, r).
        returns: (B, C, r) in the dtype of u.
    """
    dtype, u, vh = u.dtype, u.double(), vh.double()
    gram = (u.mT @ u) * (vh @ vh.mT)  # (B, C, r, r)
    projection = torch.einsum("...hr,...hw,...rw->...r", u, goal.double(), vh)  # (B, C, r)
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    right = fit * projection + anchor * spectrum.double()
    weights: Tensor = torch.linalg.solve(fit * gram + anchor * identity, right)
    return weights.to(dtype)
