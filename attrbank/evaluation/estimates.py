"""Figures with the interval in which 95 of 100 repetitions would find them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from attrbank.measurements import Estimate

Z = 1.96
"""Half the width of a 95 % interval, in standard errors."""


def share(hits: NDArray[np.bool_]) -> Estimate:
    """Of booleans (N,), N ≥ 1, with Wilson's interval, which is right for shares near 0 and 1 as well."""
    n, p = len(hits), float(np.mean(hits))
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return Estimate(value=p, low=max(0.0, centre - half), high=min(1.0, centre + half))


def mean(values: NDArray[np.float64]) -> Estimate:
    """Of figures (N,), N ≥ 1, with the normal interval, which is empty for a single picture."""
    n, centre = len(values), float(np.mean(values))
    half = Z * float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    return Estimate(value=centre, low=centre - half, high=centre + half)
