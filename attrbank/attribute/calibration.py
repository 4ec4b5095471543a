"""What a strength means: the map from shares of an attribute's full effect to what its method is told."""

from __future__ import annotations

from itertools import pairwise

from attrbank.schema.choices import Core
from attrbank.schema.stored import AttributeRecord, Calibration


def calibration_of(record: AttributeRecord, core: Core | None) -> Calibration | None:
    """The attribute's calibration, if it is of the core that is to be used; None means the record's own."""
    calibration = record.calibration
    return calibration if calibration and calibration.core == (core or record.core) else None


def raw_strength(calibration: Calibration | None, strength: float) -> float:
    """What a method takes, for a strength as the user gives it; without a calibration the two are the same.

    Between 0 and 1 by straight lines through the measured points. Outside, in proportion to the raw strength of 1:
    where the effect is complete, a line through its last points would rise without bounds.
    """
    if calibration is None:
        return strength
    points = list(zip(calibration.strengths, calibration.raw, strict=True))
    if not 0 < strength < 1:
        return strength * points[-1][1]
    (low, raw_low), (high, raw_high) = next(pair for pair in pairwise(points) if strength <= pair[1][0])
    if strength == high:
        return raw_high
    return raw_low + (strength - low) * (raw_high - raw_low) / (high - low)


def beyond_range(calibration: Calibration | None, strength: float) -> str | None:
    """What to tell a user whose strength lies where nothing was measured, or nothing good; None if it does not."""
    if calibration is None or calibration.low <= strength <= calibration.high:
        return None
    return f"strength {strength:g} is outside the range {calibration.low:g} to {calibration.high:g}"
