"""A campaign that finds nothing proves nothing, unless it finds what was broken on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Tried
from tests.faults.mutants import MUTANTS, grown
from tests.faults.process import outcome

pytestmark = pytest.mark.usefixtures("steppable")


@pytest.mark.parametrize("broken", MUTANTS)
def test_what_is_broken_on_purpose_is_noticed(broken: str, tmp_path: Path, tried: Tried) -> None:
    mutant = MUTANTS[broken]
    _, noticed = outcome(mutant.campaign, grown(mutant, tmp_path))
    tried("promises broken on purpose, and noticed", 1, [] if noticed else [broken])
    assert "SyntaxError" not in noticed[0]
