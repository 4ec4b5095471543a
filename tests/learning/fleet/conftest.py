"""What a fleet learns is not looked at here, so that its networks may train for a moment only."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrbank.avi.fit.CORE_STEPS", 20)
    monkeypatch.setattr("attrbank.avi.fit_difference.EPOCHS", 3)
