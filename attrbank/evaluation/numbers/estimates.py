"""Figures with the interval in which 95 of 100 repetitions would find them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from attrbank.schema.measured import Estimate

Z = 1.96
"""Half the width of a 95 % interval, in standard errors."""

RESAMPLES = 1000


def share(hits: NDArray[np.bool_]) -> Estimate:
    """Of booleans (N,), N ≥ 1, with Wilson's interval, which is right for shares near 0 and 1 as well."""
    n, p = len(hits), float(np.mean(hits))
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    # Rounding may leave the end of an interval on the wrong side of a share that is its end.
    return Estimate(value=p, low=max(0.0, min(p, centre - half)), high=min(1.0, max(p, centre + half)))


def mean(values: NDArray[np.float64]) -> Estimate:
    """Of figures (N,), N ≥ 1, with a bootstrap's interval, which no figure outside their range can enter."""
    return bootstrapped(np.mean(values[resamples(len(values))], axis=1))


def resamples(count: int) -> NDArray[np.intp]:
    """Which of ``count`` pictures: all of them, then as many drawn at random, again and again, (1 + 1000, count)."""
    drawn = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    return np.concatenate([np.arange(count)[None], drawn])


def bootstrapped(found: NDArray[np.float64]) -> Estimate:
    """Of a figure for each row of ``resamples``, (1 + 1000,)."""
    low, high = np.percentile(found[1:], [2.5, 97.5])
    return Estimate(value=float(found[0]), low=float(low), high=float(high))
