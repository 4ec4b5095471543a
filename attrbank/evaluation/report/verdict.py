"""What an evaluation says in a sentence, and how much can be said of so few pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from attrbank.evaluation.numbers.curves import COLLATERAL
from attrbank.evaluation.numbers.estimates import share
from attrbank.evaluation.numbers.results import AttributeFigures, Curve

FEW = 30
"""Of fewer pictures a share is too uncertain to be read without a warning."""

LESS = {"flips": "with fewer flips", "identity": "with less identity error", "perceptual": "at less distance"}


def verdict(attribute: AttributeFigures) -> str:
    """Whether the attribute comes, how many others do, and how many of these change less beside it."""
    ours = attribute.curve("attribute")
    if ours is None:
        return "The attribute itself was not measured."
    others = [curve for curve in attribute.curves if curve is not ours]
    there = [curve for curve in others if curve.matched.reached]
    found = f"It {_comes(ours)}"
    if others:
        found += f"; of {len(others)} other ways {len(there) or 'none'} get to .95"
    ranks = list(_ranks(ours, there)) if ours.matched.reached else []
    return f"{found}: {', '.join(ranks)}." if ranks else f"{found}."


def _comes(ours: Curve) -> str:
    if ours.matched.reached:
        return f"gets to a success of .95, at strength {ours.matched.strength:.2f}"
    return f"never gets to a success of .95, and at most to {ours.best.figures['success'].value:.2f}"


def _ranks(ours: Curve, others: Sequence[Curve]) -> Iterator[str]:
    for name in COLLATERAL:
        known = {
            curve.competitor: curve.matched.figures[name].value for curve in others if name in curve.matched.figures
        }
        if name in ours.matched.figures and known:
            own, best = ours.matched.figures[name].value, min(known, key=known.__getitem__)
            less = sum(value < own for value in known.values())
            yield f"{less or 'none'} {LESS[name]} than its {own:.3f} (least: {best}, {known[best]:.3f})"


def warning(pictures: int) -> str | None:
    """How uncertain a share of so few pictures is; None of enough."""
    if pictures >= FEW:
        return None
    found = share(np.arange(pictures) < pictures // 2)
    return (
        f"Only {pictures} pictures: where half of them have it, the share could be anything from {found.low:.2f} to "
        f"{found.high:.2f}, so small differences say nothing."
    )
