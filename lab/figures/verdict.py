"""What an attribute should achieve on ``portraits``, and what it misses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from attrbank.evaluation.numbers.results import AttributeFigures, Curve

FEW_FLIPS = 0.02
EXCESS = 0.15
SIZE = 64_000


class Requirement(NamedTuple):
    """One thing to achieve, where success is .95."""

    name: str
    met: bool


def requirements(attribute: AttributeFigures) -> tuple[Requirement, ...]:
    """All that can be said with the curves at hand; the attribute's own must be among them.

    - success: it reaches .95.
    - flips: at most .02, or half of the target prompt's and no more than the prompt switch's.
    - identity: the error is at most half of the target prompt's and no more than the prompt switch's; or no more than
      the renderer's own edit has, which no edit can be asked to undercut.
    - distance: at most 15 % above the limit.
    - monotone: the effect never falls.
    - cost: no more network evaluations than the target prompt.
    - size: at most 64 KB.

    A prompt switch that never reaches .95 is no measure, because it may be gentle for having done nothing.
    """
    ours, target, switch = map(attribute.curve, ("attribute", "target-prompt", "prompt-switch"))
    return () if ours is None else tuple(_requirements(attribute, ours, target, switch))


def missed(attribute: AttributeFigures) -> str:
    """The names of what is missed, or a dash."""
    return ", ".join(name for name, met in requirements(attribute) if not met) or "–"


def _requirements(
    attribute: AttributeFigures, ours: Curve, target: Curve | None, switch: Curve | None
) -> Iterator[Requirement]:
    yield Requirement("success", ours.matched.reached)
    for name, enough in (("flips", FEW_FLIPS), ("identity", attribute.limit.get("identity", 0.0))):
        bounds = [_value(target, name, 0.5), _value(switch if switch and switch.matched.reached else None, name, 1.0)]
        known = [bound for bound in bounds if bound is not None]
        found = _value(ours, name, 1.0)
        if known and found is not None:
            yield Requirement(name, found <= max(enough, min(known)))
    if (excess := _value(ours, "excess", 1.0)) is not None:
        yield Requirement("distance", excess <= EXCESS)
    yield Requirement("monotone", ours.monotonicity == 1)
    if target is not None:
        yield Requirement("cost", ours.unet_evaluations <= target.unet_evaluations)
    yield Requirement("size", attribute.size_bytes <= SIZE)


def _value(curve: Curve | None, figure: str, factor: float) -> float | None:
    if curve is None or figure not in curve.matched.figures:
        return None
    return factor * curve.matched.figures[figure].value
