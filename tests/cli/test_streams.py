"""Streams that are closed, full or gone: a sentence where somebody hears it, an exit code, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = f"{sys.executable} -m attrbank"


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
def test_a_stream_that_takes_nothing_is_no_bug(line: str, code: int, told: str, tmp_path: Path) -> None:
    environment = {**os.environ, "ATTRBANK_BANK": str(tmp_path / "bank")}
    run = subprocess.run(
        ["sh", "-c", f"{COMMAND} {line}"], capture_output=True, text=True, env=environment, check=False
    )
    assert (run.returncode, run.stdout) == (code, "")
    assert told in run.stderr
    assert run.stderr.count("\n") == (2 if told else 0)  # an error and its hint
