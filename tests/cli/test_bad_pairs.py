"""``apply`` warns of attributes that get in each other's way, before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attrbank.backbones.families import describe
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli, artifact
from tests.measured import a_matrix, a_pair


@pytest.fixture
def ids(bank: Bank, tiny_pipeline: Path) -> list[str]:
    """Three attributes of a model; the first suffers from the second, and nothing is known of the third."""
    model = describe(str(tiny_pipeline))
    backbone = {
        "name": str(tiny_pipeline),
        "fingerprint": model.fingerprint,
        "latent_shape": model.latent_shape,
        "prediction_type": model.prediction_type,
    }
    found = [bank.add(artifact(name=name, backbone=backbone)).id for name in ("hat", "beard", "smile")]
    bank.measurements.keep_matrix(a_matrix(a_pair(found[0], found[1], gain=-0.5), a_pair(found[1], found[0], gain=0.0)))
    return found


def _warnings(cli: Cli, *references: str) -> list[str]:
    outcome = cli("apply", *references, "--plan", "--json")
    assert outcome.code == 0, outcome.err
    warnings: list[str] = json.loads(outcome.out)["warnings"]
    return warnings


def test_a_bad_pair_is_named_once_in_any_order(cli: Cli, ids: list[str]) -> None:
    for references in (("hat", "beard"), ("smile", "beard", "hat")):
        (warning,) = _warnings(cli, *references)
        assert warning == "hat suffers from beard: with it, it came in 0.40 of the pictures, alone in 0.90"


@pytest.mark.parametrize("references", [("hat",), ("hat", "smile"), ("hat", "beard:0"), ("hat", "beard:-1")])
def test_nothing_is_said_where_nothing_is_known_or_added(cli: Cli, ids: list[str], references: tuple[str, ...]) -> None:
    assert _warnings(cli, *references) == []


def test_a_damaged_matrix_is_a_warning_and_no_more(cli: Cli, ids: list[str], bank: Bank) -> None:
    path = bank.path / "matrix.json"
    path.chmod(0o644)
    path.write_text("{")
    (warning,) = _warnings(cli, "hat", "beard")
    assert "matrix.json is damaged" in warning
