"""How much is tried, and who keeps count of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults.process import ROOT
from tests.faults.scoreboard import PROPERTY, Scoreboard

Tried = Callable[[str, int, list[str]], None]


@dataclass(frozen=True)
class Tier:
    """How often each fault is tried.

    Attributes:
        name: as it is asked for.
        each: kills, compound kills, errors and power failures of each workload.
        interleaved: calls of each operation into which another falls.
        crowd: how many writers work on one bank at once.
        rounds: how often they do.
        names: made-up names.
        files: made-up files.
        models: awkward model folders.
        more: whether what is slow is tried, too.
    """

    name: str
    each: tuple[int, int, int, int]
    interleaved: int
    crowd: int
    rounds: int
    names: int
    files: int
    models: int
    more: bool


TIERS = {
    "fast": Tier("fast", (5, 2, 5, 6), 6, 8, 10, 20_000, 10_000, 2, False),
    "nightly": Tier("nightly", (1000, 36, 130, 200), 60, 32, 100, 100_000, 30_000, 50, True),
    "release": Tier("release", (1000, 200, 1000, 1000), 1000, 32, 1000, 1_000_000, 1_000_000, 50, True),
}


@pytest.fixture(scope="session")
def tier(request: pytest.FixtureRequest) -> Tier:
    """The one that was asked for, with ``--tier``."""
    return TIERS[request.config.getoption("--tier")]


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """Takes what was tried, how often, and what was lost, of which there may be nothing."""

    def take(what: str, count: int, lost: list[str]) -> None:
        record_property(PROPERTY, (what, count, len(lost)))
        assert lost == []

    return take


@pytest.fixture(scope="session")
def steppable() -> None:
    """Skips where processes cannot be watched, which a process without threads has to find out."""
    command = [sys.executable, "-m", "tests.helpers.stepping"]
    if reason := subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip():
        pytest.skip(reason)


def pytest_configure(config: pytest.Config) -> None:
    """Only the process that starts the others hears of everything."""
    if config.getoption("--publish") and not hasattr(config, "workerinput"):
        whole = config.args == ["tests/faults"] and not config.getoption("keyword")
        config.pluginmanager.register(Scoreboard(config.getoption("--tier"), whole=whole))
