"""Runs a campaign in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_MODULES = {"kills": "campaign", "compound": "campaign", "errors": "campaign"}


def outcome(campaign: tuple[str, ...], root: Path = ROOT, before: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    """How many faults a campaign tried on the package below a folder, and what was lost.

    Args:
        campaign: a module beside this one, or a kind of fault that ``campaign`` knows, with its arguments.
        root: where the package lies.
        before: a command that is to run the process, which is one of its own because it forks.
    """
    first, *rest = campaign
    arguments = [_MODULES[first], *campaign] if first in _MODULES else [first, *rest]
    command = [*before, sys.executable, "-m", f"tests.faults.{arguments[0]}", *arguments[1:]]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return 1, [done.stderr[-2000:]]
    tried, lost = json.loads(done.stdout)
    return tried, lost
