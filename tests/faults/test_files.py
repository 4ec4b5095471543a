"""No file crashes a reader or is taken for what it is not."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Tier, Tried
from tests.faults.process import outcome

TOLD = {
    "flipped": "bits of an artifact that were flipped, in a bank and on the way to one",
    "truncated": "lengths at which an artifact was cut, in a bank and on the way to one",
    "fuzzed": "made-up files",
}


@pytest.mark.parametrize("kind", TOLD)
def test_a_damaged_or_made_up_file_is_refused_or_sound(kind: str, tier: Tier, tried: Tried) -> None:
    tried(TOLD[kind], *outcome(("damage", kind, str(tier.files), "0")))
