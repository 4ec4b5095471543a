"""Keeps count of what was tried and lost, and writes ``README.md`` beside itself."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PROPERTY = "faults"
TIERS = ("fast", "nightly", "release")
COMMANDS = {tier: f"python -m pytest tests/faults{'' if tier == 'fast' else f' --tier {tier}'}" for tier in TIERS}

HEAD = """# What was tried, and what was lost

Written by `python -m pytest tests/faults --tier TIER --publish`; the figures lie in [scoreboard.json](scoreboard.json).

A fault counts as lost if anything that was acknowledged is gone, if the bank is neither as before nor as after, if
`verify` finds harm, if the same command does not mend it, or if a traceback is seen. Kills are SIGKILL by ptrace before
a call to the system, SQLite's included; a power failure keeps or loses, sector by sector and name by name, what was not
synchronised ([disk.py](disk.py) says what it takes for granted). Not covered: disks that lie about flushes, file
systems on which a rename is not atomic, network file systems, and hosts other than Linux on x86-64. What a tier does
not list, it has not run yet.
"""


class Scoreboard:
    """A plugin of pytest that adds up what tests have recorded.

    Args:
        tier: which of the three this is.
        whole: whether all tests run; else what is known of the others stays.
    """

    def __init__(self, tier: str, *, whole: bool) -> None:
        self.tier, self.whole, self.rows = tier, whole, dict[str, tuple[int, int]]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One test has gone on."""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            test = report.nodeid.rpartition("::")[2].partition("[")[0]
            self.rows[f"{test.removeprefix('test_').replace('_', ' ')}: not all, {reason}"] = (0, 0)
        for name, value in report.user_properties if report.when == "call" else ():
            if name == PROPERTY:
                what, count, lost = value
                before = self.rows.get(what, (0, 0))
                self.rows[what] = (before[0] + count, before[1] + lost)

    def pytest_sessionfinish(self) -> None:
        """All have ended."""
        kept, today, commit = HERE / "scoreboard.json", datetime.now(UTC).date().isoformat(), _commit()
        board = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        found = {what: [*figures, today, commit] for what, figures in self.rows.items()}
        board[self.tier] = dict(sorted((found if self.whole else board.get(self.tier, {}) | found).items()))
        kept.write_text(json.dumps(board, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (HERE / "README.md").write_text(page(board), encoding="utf-8")


def page(board: dict[str, Any]) -> str:
    """The page of all tiers that have been run."""
    return HEAD + "".join(_section(tier, board[tier]) for tier in TIERS if tier in board)


def _section(tier: str, rows: dict[str, Any]) -> str:
    told = "".join(
        f"| {what} | {count:,} | {lost} | {date} | `{commit}` |\n" for what, (count, lost, date, commit) in rows.items()
    )
    head = "| tried | how often | lost | when | commit |\n|---|---:|---:|---|---|\n"
    return f"\n## {tier.capitalize()}\n\n`{COMMANDS[tier]}`\n\n{head}{told}"


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(HERE), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "../../attrbank")
    return git("rev-parse", "--short=10", "HEAD") + (" with changes" if changed else "")
