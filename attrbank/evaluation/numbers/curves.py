"""What a sweep of strengths says: collateral change at equal success, and how well behaved the strength is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from attrbank.evaluation.numbers.estimates import bootstrapped, resamples
from attrbank.schema.measured import Matched

GOAL = 0.95
COMES, OVERDONE = 0.5, 2.0
COLLATERAL = ("flips", "identity", "perceptual")
"""What an edit should leave alone; an edit is good that has little of it where its success is the same."""

Values = NDArray[np.float64]


def matched(strengths: Sequence[float], values: Mapping[str, Values], limit: Mapping[str, float]) -> Matched:
    """The curve where success first reaches .95, between strengths by straight lines.

    A curve that begins above .95 is taken where it begins, one that never reaches it where its success is highest.
    Intervals are a bootstrap's over pictures.

    Shapes:
        values: by figure, (S, N): strengths × pictures.
    """
    known = {name: values[name] for name in ("success", "damage", *COLLATERAL) if name in values}
    count = known["success"].shape[1]
    rows = resamples(count)
    means = {name: found[:, rows].mean(2).T for name, found in known.items()}  # (1 + 1000, S)
    index, share, reached = _crossings(means["success"])
    figures = {name: _between(found, index, share) for name, found in means.items()}
    if "perceptual" in figures and "perceptual" in limit:
        figures["excess"] = figures["perceptual"] / limit["perceptual"] - 1
    at = _between(np.tile(np.asarray(strengths, float), (len(rows), 1)), index, share)
    return Matched(
        strength=float(at[0]), reached=bool(reached[0]), figures={name: bootstrapped(v) for name, v in figures.items()}
    )


def _crossings(success: Values) -> tuple[NDArray[np.intp], Values, NDArray[np.bool_]]:
    """For each row of success (R, S): between which strengths, where between them, and whether .95 is reached."""
    enough = success >= GOAL - 1e-9
    reached: NDArray[np.bool_] = np.any(enough, axis=1)
    upper = np.where(reached, enough.argmax(1), success.argmax(1))
    lower = np.where(reached, np.maximum(upper - 1, 0), upper)
    row = np.arange(len(success))
    rise = success[row, upper] - success[row, lower]
    share = np.where(rise > 0, (GOAL - success[row, lower]) / np.where(rise > 0, rise, 1), 1.0)
    return upper, np.clip(share, 0, 1), reached


def _between(found: Values, upper: NDArray[np.intp], share: Values) -> Values:
    row, lower = np.arange(len(found)), np.maximum(upper - 1, 0)
    mixed: Values = found[row, lower] + share * (found[row, upper] - found[row, lower])
    return mixed


def success_within(sweep: Iterable[tuple[float, float]], most: float) -> float:
    """The highest success of a sweep while the pictures are at most so far from the unedited ones.

    Between strengths by straight lines, the first from the unedited picture, which is at no distance and lacks it.

    Args:
        sweep: distance and success, from weak to strong.
        most: the distance.
    """
    best = 0.0
    for one, other in pairwise([(0.0, 0.0), *sweep]):
        near, far = sorted((one, other))
        if far[0] <= most:
            best = max(best, one[1], other[1])
        elif near[0] <= most:
            share = (most - near[0]) / (far[0] - near[0])
            best = max(best, near[1], near[1] + share * (far[1] - near[1]))
    return best


def monotonicity(effects: Sequence[float]) -> float:
    """Share of consecutive strengths at which the effect does not fall; the first is the unedited picture's."""
    steps = np.diff(effects)
    return float(np.mean(steps >= 0))


def smoothness(strengths: Sequence[float], effects: Sequence[float]) -> float:
    """Mean over maximal slope of the effect, in [0, 1]; 1 where equal steps of strength have equal effects.

    Args:
        strengths: with the unedited picture's 0 first.
        effects: at these strengths.
    """
    slopes = np.abs(np.diff(effects) / np.diff(strengths))
    return float(slopes.mean() / slopes.max()) if slopes.max() > 0 else 1.0


def usable(
    strengths: Sequence[float],
    success: Sequence[float],
    effects: Sequence[float],
    perceptual: Sequence[float] | None = None,
    limit: float | None = None,
) -> tuple[float, float] | None:
    """From where half of the pictures have the attribute to where it stops to grow, or all else grows instead.

    The upper end is the last measured strength before the effect falls or the perceptual distance is twice the limit.
    """
    coming = next((i for i, share in enumerate(success) if share >= COMES), None)
    if coming is None:
        return None
    last = coming
    for i in range(coming + 1, len(strengths)):
        overdone = perceptual is not None and limit is not None and perceptual[i] > OVERDONE * limit
        if effects[i] < effects[i - 1] or overdone:
            break
        last = i
    return strengths[coming], strengths[last]
