"""No kill, no failing disk, no power failure and no crowd loses what was acknowledged."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Tier, Tried
from tests.faults.process import outcome
from tests.faults.workloads import WORKLOADS

pytestmark = pytest.mark.usefixtures("steppable")

TOLD = {
    "kills": "SIGKILL at a call to the system",
    "compound": "SIGKILL, and again while that is mended",
    "errors": "a call that fails: disk full, quota, I/O error, once and for ever",
    "power": "states of the disk after a power failure",
}
CALLS = tuple(TOLD)


@pytest.mark.parametrize("kind", CALLS)
def test_a_fault_at_any_call_loses_nothing(kind: str, tier: Tier, tried: Tried) -> None:
    each = tier.each[CALLS.index(kind)]
    found, lost = outcome((kind, "any", str(each), "0"))
    tried(TOLD[kind], found, lost)
    assert found >= len(WORKLOADS)


FIRST = ("add", "take", "replace", "remove", "restore", "tag", "rename", "prune", "reindex", "repair")


@pytest.mark.parametrize("first", FIRST)
def test_whatever_falls_into_an_operation_some_order_explains_what_comes_of_it(
    first: str, tier: Tier, tried: Tried
) -> None:
    tried("an operation amid another's", *outcome(("interleaved", first, "any", str(tier.interleaved), "0")))


@pytest.mark.parametrize("kind", ["one-attribute", "one-name", "many-names", "everything", "without-locks"])
def test_a_crowd_leaves_what_some_order_explains(kind: str, tier: Tier, tried: Tried) -> None:
    rounds, lost = outcome(("writers", kind, str(tier.crowd), str(tier.rounds), "0"))
    tried(f"rounds of {tier.crowd} writers at once, {kind.replace('-', ' ')}", rounds, lost)
