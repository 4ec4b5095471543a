"""Streams that are closed, full or gone: a sentence where somebody hears it, an exit code, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import Tier, Tried

COMMAND = f"{sys.executable} -m attrbank"
COMMANDS = (
    *("list", "list --json", "list -q", "list --trash", "show young", "show young --json", "search smile", "samplers"),
    *(
        "backbones --json",
        "methods",
        "metrics",
        "plugins",
        "verify",
        "prune --dry-run",
        "reindex",
        "rm nobody",
        "--help",
    ),
    *("apply --help", "apply young --plan", "apply young --plan --json"),
)
STREAMS = ("> /dev/full", ">&-", "2> /dev/full", "2>&-", "<&-", "> /dev/full 2> /dev/full", ">&- 2>&- <&-", "| true")


def _run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ATTRBANK_BANK": str(folder / "bank")}
    return subprocess.run(
        ["sh", "-c", f"{COMMAND} {line}"], capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("list > /dev/full", 7, "No space left"),
        ("list --json > /dev/full", 7, "No space left"),
        ("--help > /dev/full", 7, "No space left"),
        ("--version > /dev/full", 7, "No space left"),
        ("list >&-", 7, "it is closed"),
        ("list > /dev/full 2> /dev/full", 7, ""),
        ("list >&- 2>&-", 7, ""),
        ("list > /dev/null 2>&-", 0, ""),
        ("show nobody 2> /dev/full", 3, ""),
        ("show nobody 2>&-", 3, ""),
        ("list <&- > /dev/null", 0, ""),
    ],
)
def test_a_stream_that_takes_nothing_is_no_bug(line: str, code: int, told: str, tmp_path: Path, tried: Tried) -> None:
    run = _run(line, tmp_path)
    assert (run.returncode, run.stdout) == (code, "")
    assert told in run.stderr
    assert run.stderr.count("\n") == (2 if told else 0)  # an error and its hint
    tried("commands with streams that are closed or full", 1, [])


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_minds_which_stream_it_is(command: str, tier: Tier, tried: Tried, tmp_path: Path) -> None:
    if not tier.more:
        pytest.skip("the rest is for the night")
    lost = []
    for streams in STREAMS:
        run = _run(f"{command} {streams}", tmp_path)
        if "Traceback" in run.stderr or "This is a bug" in run.stderr or run.returncode not in {0, 3, 5, 7}:
            lost.append(f"{command} {streams}: {run.returncode}, {run.stderr[-500:]}")
    tried("commands with streams that are closed or full", len(STREAMS), lost)
