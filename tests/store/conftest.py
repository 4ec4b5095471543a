"""Banks to test with."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.store import index
from attrbank.store.bank import Bank
from tests.helpers.artifacts import artifact


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path / "bank")


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    """A starter bank as it is shipped: objects, no index."""
    made = Bank(tmp_path / "starter")
    for name in ("glasses", "smile"):
        made.add(artifact(name))
    (made.path / "index.db").unlink()
    return made.path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BUSY_TIMEOUT", 0.05)
