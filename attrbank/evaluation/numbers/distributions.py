"""How far two sets of pictures are apart as distributions, by the features that some network sees in them."""

from __future__ import annotations

import torch
from torch import Tensor

CONSTANT = 1e-6
"""A smaller standard deviation is rounding."""


def frechet_distance(one: Tensor, other: Tensor) -> float:
    """FID: the Fréchet distance of two Gaussians fitted to the features (Heusel et al., arXiv:1706.08500, eq. 6).

    It is biased upwards for few pictures, the more the fewer there are than features.

    Shapes:
        one: (N, D); other: (M, D); two or more rows and columns each.
    """
    a, b = one.double(), other.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    # tr (AB)^½ is the sum of the roots of AB's eigenvalues, which are real and ≥ 0 but for rounding.
    root = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    distance = (a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * root
    return float(distance)


def kernel_distance(one: Tensor, other: Tensor) -> float:
    """KID: the unbiased squared MMD under the kernel (x·y/D + 1)³ (Bińkowski et al., arXiv:1801.01401, section 4).

    Shapes:
        one: (N, D); other: (M, D); two or more rows each.
    """
    a, b = one.double(), other.double()
    within = _mean_without_self(_kernel(a, a)) + _mean_without_self(_kernel(b, b))
    return float(within - 2 * _kernel(a, b).mean())


def diversity(before: Tensor, after: Tensor) -> float:
    """How much of their spread traits keep: the mean over traits of std(after) / std(before), 1 if nothing is lost.

    Traits that do not vary before say nothing and are left out; 1 if none varies.

    Shapes:
        before: (N, D); after: (M, D); two or more rows each.
    """
    one, other = before.double().std(0), after.double().std(0)
    varied = one > CONSTANT
    return float((other[varied] / one[varied]).mean()) if varied.any() else 1.0


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _mean_without_self(kernel: Tensor) -> Tensor:
    n = len(kernel)
    return (kernel.sum() - kernel.trace()) / (n * (n - 1))
