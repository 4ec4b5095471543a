"""What singular vectors do on the way: the measures behind the paper's findings, before anything is edited."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.plugin import Factors, reconstruct


class Matches(NamedTuple):
    """For every singular pair of one latent, the pair of another that is most like it.

    Shapes:
        rank: (..., r), the place of that pair, 0 being the strongest.
        cosine: (..., r), how much they are alike, in [0, 1].
    """

    rank: Tensor
    cosine: Tensor


def best_matches(before: Factors, after: Factors) -> Matches:
    """Section 4.2, order mobility: where each pair (u_i, v_i) goes from one timestep to another.

    Pairs are compared as matrices u_i ⊗ v_i, whose |cosine| is |⟨u_i, u_j⟩ ⟨v_i, v_j⟩| and has no sign to choose.

    Shapes:
        before, after: factors (..., H, r), (..., r), (..., r, W).
    """
    likeness = ((before.u.mT @ after.u) * (before.vh @ after.vh.mT)).abs()  # (..., r, r)
    cosine, rank = likeness.max(dim=-1)
    return Matches(rank, cosine.clamp(max=1.0))


def leading_subspaces(factors: Factors, p: int) -> tuple[Tensor, Tensor]:
    """Figure 5: bases of what the p strongest left and right singular vectors span.

    Shapes:
        factors: (..., H, r), (..., r), (..., r, W) with p ≤ r.
        returns: (..., H, p) and (..., W, p).
    """
    return factors.u[..., :p], factors.vh[..., :p, :].mT


def principal_angles(a: Tensor, b: Tensor) -> Tensor:
    """The angles between two subspaces, smallest first; they do not depend on the bases (Björck and Golub, 1973).

    The cosine alone cannot tell angles below 1e-4 in float32, and the sine none that are nearly right; so both are
    taken.

    Shapes:
        a, b: (..., n, p), orthonormal columns.
        returns: (..., p) in float64, in [0, π/2].
    """
    a, b = a.double(), b.double()
    shared = a.mT @ b  # (..., p, p)
    cosines = torch.linalg.svdvals(shared)
    sines = torch.linalg.svdvals(b - a @ shared).flip(-1)
    return torch.atan2(sines, cosines)


def geodesic_distance(a: Tensor, b: Tensor) -> Tensor:
    """Figure 5: the length of the shortest way from one subspace to another, ‖θ‖₂ (Edelman et al., 1998, section 4.3).

    Shapes:
        a, b: (..., n, p), orthonormal columns.
        returns: (...) in float64, from 0 to √p · π/2.
    """
    distance: Tensor = torch.linalg.vector_norm(principal_angles(a, b), dim=-1)
    return distance


def singular_part(factors: Factors, rank: int) -> Tensor:
    """Figures 2 to 4: s_i u_i ⊗ v_i of every channel; adding (f − 1) of it to the latent multiplies s_i by f.

    Shapes:
        factors: (..., H, r), (..., r), (..., r, W); 0 ≤ rank < r, 0 being the strongest.
        returns: (..., H, W).
    """
    one = slice(rank, rank + 1)
    return reconstruct(factors.u[..., one], factors.s[..., one], factors.vh[..., one, :])
