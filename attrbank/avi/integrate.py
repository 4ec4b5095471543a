"""Algorithm 1: graft z's singular vectors onto the tail of x, and edit x with the result."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from attrbank.avi.factors import Factors, align_signs, full_precision, require_finite
from attrbank.errors import IncompatibleError, InvalidValueError

Tail: TypeAlias = Literal["text", "alg1"]
Weights: TypeAlias = Literal["blend", "s", "s+ds", "s_x"]
"""As records spell them; the mathematics does without records."""


def head_size(r: int, k: int | None = None) -> int:
    """How many of its strongest vectors x keeps: k, by default half of all r.

    Raises:
        InvalidValueError: k is not in [1, r), so that either head or tail is empty.
    """
    size = r // 2 if k is None else k
    if not 1 <= size < r:
        raise InvalidValueError(
            f"The head size k is {size}, but latents with {r} singular vectors need 1 ≤ k < {r}.",
            hint=f"Try --k {r // 2}." if r > 1 else "Such latents are too small for the paper's vectors.",
        )
    return size


def check_rho(rho: float) -> float:
    """Give ρ back if it is a blend of x and z.

    Raises:
        InvalidValueError: ρ is not a number in [0, 1].
    """
    if not 0 <= rho <= 1:
        raise InvalidValueError(
            f"ρ is {rho:g}, but the paper's vectors blend between 0 (x alone) and 1 (z's tail).",
            hint="Choose a strength between 0 and 1, or learn difference vectors, which take any strength.",
        )
    return rho


def tail_of(z: Factors, k: int, tail: Tail) -> tuple[Tensor, Tensor]:
    """Algorithm 1, lines 6-7: the r−k vectors of z that replace x's tail.

    Reading ``text`` (section 3.2.1) takes the strongest and reverses them; reading ``alg1`` reverses all and takes the
    first, which are the weakest. The paper says both.

    Shapes:
        z: factors (..., H, r), (..., r), (..., r, W).
        returns: (..., H, r−k) and (..., r−k, W).
    """
    length = z.s.shape[-1] - k
    if tail == "text":
        return z.u[..., :length].flip(-1), z.vh[..., :length, :].flip(-2)
    return z.u.flip(-1)[..., :length], z.vh.flip(-2)[..., :length, :]


def integrate(x: Factors, z: Factors, k: int | None, rho: float, tail: Tail) -> tuple[Tensor, Tensor]:
    """Algorithm 1, lines 8-9: Û = [U_x head, (1−ρ) U_x tail + ρ U_z'], and V̂ by rows.

    The signs of z's vectors are first matched to the x vectors that they are blended with.

    Shapes:
        x: factors of (B, C, H, W); z: the same, or with B = 1.
        returns: u_hat (B, C, H, r) and vh_hat (B, C, r, W).

    Raises:
        InvalidValueError: k or ρ is out of range.
        IncompatibleError: x and z are latents of different shapes.
    """
    if x.u.shape[1:] != z.u.shape[1:] or x.vh.shape[1:] != z.vh.shape[1:]:
        raise IncompatibleError("The source and the target latent have different shapes.")
    k, rho = head_size(x.s.shape[-1], k), check_rho(rho)
    x_u, x_vh = x.u[..., k:], x.vh[..., k:, :]  # (B, C, H, r-k), (B, C, r-k, W)
    z_u, z_vh = align_signs(x_u, x_vh, *tail_of(z, k, tail))
    u_hat = torch.cat([x.u[..., :k], (1 - rho) * x_u + rho * z_u], dim=-1)  # (B, C, H, r)
    vh_hat = torch.cat([x.vh[..., :k, :], (1 - rho) * x_vh + rho * z_vh], dim=-2)  # (B, C, r, W)
    return u_hat, vh_hat


def reverse_order(u_hat: Tensor, vh_hat: Tensor) -> tuple[Tensor, Tensor]:
    """Algorithm 1, the vectors of ỹ: Ũ and Ṽ, the same pairs in reversed order.

    Shapes:
        u_hat: (..., H, r), vh_hat: (..., r, W); returned likewise.
    """
    return u_hat.flip(-1), vh_hat.flip(-2)


def blend_weights(weights: Weights, s_x: Tensor, s: Tensor, delta_s: Tensor, rho: float) -> Tensor:
    """docs/method.md 2.3: the singular values of y_pred, which the paper leaves open.

    ``blend`` is (1−ρ) S_x + ρ S, the simplest that is the identity at ρ = 0; the others are S, S + Δs and S_x.

    Shapes:
        s_x, s, delta_s, returns: (B, C, r).

    Raises:
        InvalidValueError: ρ is out of range.
    """
    rho = check_rho(rho)
    return {"blend": (1 - rho) * s_x + rho * s, "s": s, "s+ds": s + delta_s, "s_x": s_x}[weights]


def apply_edit(x: Tensor, x_factors: Factors, u_hat: Tensor, s: Tensor, vh_hat: Tensor) -> Tensor:
    """docs/method.md 2.3: y = x + (y_pred − U_x diag(S_x) V_x) with y_pred = Û diag(S) V̂.

    The difference is taken factor by factor, (Û S − U_x S_x) V̂ + U_x S_x (V̂ − V_x), so that equal factors give
    exactly 0 whatever the order in which a matrix product adds up: at ρ = 0, y is x bit for bit.

    Shapes:
        x: (B, C, H, W), any floating dtype; u_hat: (B, C, H, r), s: (B, C, r), vh_hat: (B, C, r, W).
        returns: (B, C, H, W) in the dtype of x.

    Raises:
        NumericError: y is not finite.
    """
    weighted_x = x_factors.u * x_factors.s.unsqueeze(-2)  # (B, C, H, r)
    weighted_hat = u_hat * s.unsqueeze(-2)  # (B, C, H, r)
    edit = (weighted_hat - weighted_x) @ vh_hat + weighted_x @ (vh_hat - x_factors.vh)  # (B, C, H, W)
    return add_edit(x, edit)


def add_edit(x: Tensor, edit: Tensor) -> Tensor:
    """The edited latent x + edit, with x's own bits (signed zeros, too) wherever the edit is 0.

    Shapes:
        x, edit, returns: (B, C, H, W); returned in the dtype of x.

    Raises:
        NumericError: the sum is not finite.
    """
    edited = (full_precision(x) + edit).to(x.dtype)
    return require_finite(torch.where(edit == 0, x, edited), "The edited latent")
