"""Algorithm 1, the objective and difference vectors a second time: numpy, loops, one vector after another.

Slow and obvious on purpose; it shares no code with the package. Arrays are float64, one channel (H, W) at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def integrate_channel(x: Array, z: Array, k: int, rho: float, tail: str) -> tuple[Array, Array]:
    """Û (H, r) and V̂ (r, W) of one channel."""
    u_x, _, v_x = np.linalg.svd(x, full_matrices=False)
    u_z, _, v_z = np.linalg.svd(z, full_matrices=False)
    r = u_x.shape[1]
    u_hat, v_hat = np.zeros_like(u_x), np.zeros_like(v_x)
    for i in range(r):
        if i < k:
            u_hat[:, i], v_hat[i] = u_x[:, i], v_x[i]
            continue
        place = i - k
        # text: z's vectors number r-k-1, ..., 1, 0; alg1: its vectors number r-1, r-2, ..., k.
        j = r - k - 1 - place if tail == "text" else r - 1 - place
        agreement = float(np.dot(u_x[:, i], u_z[:, j]) + np.dot(v_x[i], v_z[j]))
        sign = 1.0 if agreement >= 0 else -1.0
        for row in range(u_x.shape[0]):
            u_hat[row, i] = (1 - rho) * u_x[row, i] + rho * sign * u_z[row, j]
        for column in range(v_x.shape[1]):
            v_hat[i, column] = (1 - rho) * v_x[i, column] + rho * sign * v_z[j, column]
    return u_hat, v_hat


def weighted_sum(u: Array, s: Array, v: Array) -> Array:
    """Σ s_i u_i v_iᵀ, one outer product after another."""
    total = np.zeros((u.shape[0], v.shape[1]))
    for i in range(len(s)):
        total += s[i] * np.outer(u[:, i], v[i])
    return total


def edit_channel(x: Array, z: Array, s: Array, k: int, rho: float, tail: str) -> Array:
    """Y for the singular values (1−ρ) S_x + ρ S."""
    u_hat, v_hat = integrate_channel(x, z, k, rho, tail)
    s_x = np.linalg.svd(x, compute_uv=False)
    return weighted_sum(u_hat, (1 - rho) * s_x + rho * s, v_hat)


def objective_channel(
    x: Array, z: Array, s: Array, delta_s: Array, k: int, tail: str, lambdas: tuple[float, ...]
) -> float:
    """L of one channel, at ρ = 1."""
    u_hat, v_hat = integrate_channel(x, z, k, 1.0, tail)
    s_x, s_z = np.linalg.svd(x, compute_uv=False), np.linalg.svd(z, compute_uv=False)
    last = len(s) - 1
    y_hat, y_tilde = np.zeros_like(x), np.zeros_like(x)
    for i in range(len(s)):
        y_hat += s[i] * np.outer(u_hat[:, i], v_hat[i])
        y_tilde += (s[i] + delta_s[i]) * np.outer(u_hat[:, last - i], v_hat[last - i])
    terms = (
        np.sum((y_hat - z) ** 2),
        np.sum((y_tilde - x) ** 2),
        np.sum((s - s_z) ** 2),
        np.sum((s + delta_s - s_x) ** 2),
    )
    return float(sum(weight * term for weight, term in zip(lambdas, terms, strict=True)))
