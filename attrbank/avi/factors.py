"""Channel-wise singular value decomposition: finite, in full precision, with comparable signs."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.errors import NumericError

LinAlgError = torch.linalg.LinAlgError  # type: ignore[attr-defined]  # public, but not in torch's own __all__


class Factors(NamedTuple):
    """The thin SVD of each channel, singular values in descending order.

    Shapes:
        u: (..., H, r), orthonormal columns.
        s: (..., r), not negative.
        vh: (..., r, W), orthonormal rows.
    """

    u: Tensor
    s: Tensor
    vh: Tensor


def require_finite(tensor: Tensor, what: str) -> Tensor:
    """Give the tensor back unchanged, or refuse it.

    Args:
        tensor: any shape.
        what: how the message names it, such as "The source latent".

    Raises:
        NumericError: an element is NaN or infinite.
    """
    if not bool(torch.isfinite(tensor).all()):
        raise NumericError(
            f"{what} holds NaN or infinity.",
            hint="Half precision overflows easily: run the model in float32, or lower the guidance or the strength.",
        )
    return tensor


def full_precision(tensor: Tensor) -> Tensor:
    """Upcast half precision to float32 and keep float64 as it is."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def nonzero(size: Tensor) -> Tensor:
    """The sizes with 1 for 0, so that what has no size can be divided by it and stays 0."""
    return torch.where(size == 0, torch.ones_like(size), size)


def factorise(latent: Tensor) -> Factors:
    """Algorithm 1, before line 6: the thin SVD of every channel, by itself.

    Shapes:
        latent: (..., H, W), any floating dtype; half precision is worked on in float32.
        returns: u (..., H, r), s (..., r), vh (..., r, W) with r = min(H, W).

    Raises:
        NumericError: the latent is not finite, its singular values overflow, or the SVD does not converge.
    """
    # Checked first, because an SVD may answer NaN with finite singular values.
    matrix = full_precision(require_finite(latent, "The latent"))
    # At size 1, neither the squares of 1e30 overflow nor those of 1e-30 vanish.
    size = matrix.abs().amax(dim=(-2, -1), keepdim=True)  # (..., 1, 1)
    u, s, vh = _decompose(matrix / nonzero(size))
    return Factors(u, require_finite(s * size.squeeze(-1), "The latent's spectrum"), vh)


def _decompose(matrix: Tensor) -> Factors:
    try:
        return Factors(*torch.linalg.svd(matrix, full_matrices=False))
    except LinAlgError:
        return _decompose_in_double(matrix)


def _decompose_in_double(matrix: Tensor) -> Factors:
    try:
        parts = torch.linalg.svd(matrix.double(), full_matrices=False)
    except LinAlgError as error:
        raise NumericError("The latent's singular value decomposition does not converge.") from error
    return Factors(*(part.to(matrix.dtype) for part in parts))


def align_signs(source_u: Tensor, source_vh: Tensor, target_u: Tensor, target_vh: Tensor) -> tuple[Tensor, Tensor]:
    """docs/method.md 2.2, sign rule: flip each target pair (u, v) so that ⟨u_x, u_z⟩ + ⟨v_x, v_z⟩ ≥ 0.

    SVD fixes a pair only up to a common sign, and a blend of two vectors depends on it. The sign chosen here changes
    with every flip on either side, so the blend does not: its value is the same on every machine.

    Shapes:
        source_u, target_u: (..., H, n); source_vh, target_vh: (..., n, W).
        returns: the target's u and vh, flipped where needed.
    """
    agreement = (source_u * target_u).sum(-2) + (source_vh * target_vh).sum(-1)  # (..., n)
    # Orthogonal pairs have no nearer sign; their largest elements decide, which follows flips just the same.
    tie = _leading_sign(source_u) * _leading_sign(target_u)  # (..., n)
    sign = torch.where(agreement == 0, tie, agreement.sign())
    return target_u * sign.unsqueeze(-2), target_vh * sign.unsqueeze(-1)


def _leading_sign(u: Tensor) -> Tensor:
    largest = u.abs().argmax(dim=-2, keepdim=True)  # (..., 1, n)
    return u.gather(-2, largest).squeeze(-2).sign()


def reconstruct(u: Tensor, s: Tensor, vh: Tensor) -> Tensor:
    """Algorithm 1, the products ŷ and ỹ: U diag(S) V.

    Shapes:
        u: (..., H, r), s: (..., r), vh: (..., r, W).
        returns: (..., H, W).
    """
    return (u * s.unsqueeze(-2)) @ vh
