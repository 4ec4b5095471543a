"""Each promise of a metric is one that something can break: here is one culprit for each."""

from __future__ import annotations

import pytest
import torch

from attrbank.plugin.contracts import MetricContract
from tests.helpers.promises import broken

METRICS = {
    "one for all": (lambda before, after: (after - before).mean(), "every picture gets one finite figure"),
    "infinite": (lambda before, after: 1 / (after - before).sum((1, 2, 3)), "every picture gets one finite figure"),
    "drawn": (lambda before, after: torch.rand(len(after)), "it repeats itself and leaves the pictures alone"),
    "written over": (
        lambda before, after: after.sub_(before).sum((1, 2, 3)),
        "it repeats itself and leaves the pictures alone",
    ),
    "compared": (lambda before, after: (after - after.mean()).mean((1, 2, 3)), "a batch is its rows"),
    "fitted": (lambda before, after: after.reshape(-1, 3 * 32 * 32).mean(1), "it takes pictures of any size"),
}


@pytest.mark.parametrize("kind", METRICS)
def test_a_metric_that_breaks_a_promise_is_told_so(kind: str) -> None:
    metric, promise = METRICS[kind]
    assert promise in broken(MetricContract, metric)
