"""The banks that are measured are like those that are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attrbank.editing.directions import direction_of
from attrbank.store.bank import Bank
from lab.large_bank import fill
from lab.many_alike import WITH_LATENTS, agreement, full_size

NUMBER = 40


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return fill(tmp_path / "bank", NUMBER, full_size, WITH_LATENTS)


def test_artifacts_are_as_large_as_those_of_the_starter_bank(bank: Bank) -> None:
    shipped = np.mean([entry.size_bytes for entry in Bank.starter().entries()])
    assert np.mean([entry.size_bytes for entry in bank.entries()]) == pytest.approx(shipped, rel=0.05)
    assert all(finding.state == "ok" for finding in bank.verify())


def test_members_of_a_family_are_alike_and_others_are_not() -> None:
    bank = [direction_of_name(name) for name in ("attribute-000001", "attribute-000002")]
    assert abs(float(bank[0] @ bank[1])) < 0.2


def direction_of_name(name: str) -> np.ndarray:
    from attrbank.store.blobs import Artifact

    return direction_of(Artifact.of(full_size(name))).values


def test_all_of_the_nearest_are_found(bank: Bank) -> None:
    assert agreement(bank, NUMBER) == 1
