"""Learned on some seeds, tuned on others, judged on a third kind: the ranges, and what keeps them apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from attrbank.errors import InvalidValueError
from attrbank.names import format_seeds
from attrbank.schema.choices import Split
from attrbank.schema.stored import AttributeRecord


class SplitRule(NamedTuple):
    """What belongs to a split: its seeds, and the one oracle that may look at them."""

    first: int
    last: float
    oracle: Literal["judge", "tuner"]
    says: str


SPLITS: dict[Split, SplitRule] = {
    "tune": SplitRule(1_000, 1_999, "tuner", "Tuning seeds lie in 1000-1999"),
    "judge": SplitRule(10_000, float("inf"), "judge", "Judging seeds start at 10000"),
}


JUDGES_METRICS = frozenset({"oracle-perceptual"})
"""Metrics that look with the judge's eyes."""


def require_split(split: Split, seeds: Iterable[int], metrics: Iterable[str] = ()) -> None:
    """Refuse seeds of another split, and the judge's eyes where something is tuned.

    Raises:
        InvalidValueError: a seed lies outside the split's range, or a metric belongs to the judge.
    """
    rule = SPLITS[split]
    stray = [seed for seed in seeds if not rule.first <= seed <= rule.last]
    if stray:
        other = "tune" if split == "judge" else "judge"
        hint = f"Choose other --seeds, or --split {other}. Attributes are learned on seeds below 1000."
        raise InvalidValueError(f"{rule.says}, not at {stray[0]}.", hint)
    if split == "tune" and (seen := sorted(JUDGES_METRICS & set(metrics))):
        raise InvalidValueError(f"{seen[0]} is the judge's, and what a judge has helped to tune, it cannot judge.")


def refuse_learned(record: AttributeRecord, seeds: Iterable[int]) -> None:
    """Refuse to measure an attribute on what it was learned from.

    Raises:
        InvalidValueError: one of the seeds was used to learn it.
    """
    seen = sorted(set(record.seeds) & set(seeds))
    if seen:
        raise InvalidValueError(
            f"{record.name} was learned on the seeds {format_seeds(seen)}, so it cannot be measured on them.",
            hint="Choose other --seeds.",
        )
