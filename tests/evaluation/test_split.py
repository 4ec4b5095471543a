"""Learned here, tuned there, judged elsewhere."""

from __future__ import annotations

import pytest

from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.split import refuse_learned, require_split


@pytest.mark.parametrize(
    ("split", "seeds"),
    [("judge", [9_999]), ("judge", [10_000, 63]), ("tune", [999]), ("tune", [2_000]), ("tune", [10_000])],
)
def test_seeds_of_another_split_are_refused(split, seeds):
    with pytest.raises(InvalidValueError, match=str(seeds[-1])):
        require_split(split, seeds)


def test_each_split_takes_its_own():
    require_split("judge", [10_000, 10**12])
    require_split("tune", [1_000, 1_999])


def test_the_judges_metric_is_no_help_in_tuning():
    require_split("judge", [10_000], ["oracle-perceptual"])
    with pytest.raises(InvalidValueError, match="oracle-perceptual"):
        require_split("tune", [1_000], ["change", "oracle-perceptual"])


def test_an_attribute_is_not_measured_on_what_it_was_learned_from(learned):
    record = learned.record.model_copy(update={"seeds": (10_000, 10_001, 10_002, 20_000)})
    refuse_learned(record, [10_003])
    with pytest.raises(InvalidValueError, match="10001-10002"):
        refuse_learned(record, [10_001, 10_002, 10_003])
