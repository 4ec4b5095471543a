"""On real file systems that are full or read-only, everything is a sentence, and nothing is lost."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.faults.conftest import Tier, Tried
from tests.faults.process import outcome

TOLD = {"full": "operations on a full file system", "read-only": "operations on a read-only file system"}
ALONE = ("unshare", "-rm")


@pytest.fixture(scope="module", autouse=True)
def mountable() -> None:
    """Skips where nothing may be mounted."""
    if (
        not shutil.which("unshare")
        or subprocess.run([*ALONE, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True).returncode
    ):
        pytest.skip("mounting is not allowed here")


@pytest.mark.parametrize("kind", TOLD)
def test_a_bank_on_a_real_mount_stays_whole(kind: str, tier: Tier, tried: Tried) -> None:
    tried(TOLD[kind], *outcome(("mounts", kind, str(10 * tier.interleaved), "0"), before=ALONE))
