"""``apply`` warns of attributes that get in each other's way, before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attrbank.backbones.families import describe
from attrbank.schema.measured import Matrix
from attrbank.store.bank import Bank
from attrbank.store.cards import put_matrix
from attrbank.store.layout import Layout
from tests.cli.conftest import Cli, artifact
from tests.helpers.measured import a_matrix, a_pair

NAMES = ("hat", "beard", "smile")


@pytest.fixture
def binding(tiny_pipeline: Path) -> dict[str, object]:
    """The backbone that all attributes belong to, as their records have it."""
    model = describe(str(tiny_pipeline))
    return {
        "name": str(tiny_pipeline),
        "fingerprint": model.fingerprint,
        "latent_shape": model.latent_shape,
        "prediction_type": model.prediction_type,
    }


def _matrix(hat: str, beard: str) -> Matrix:
    return a_matrix(a_pair(hat, beard, gain=-0.5), a_pair(beard, hat, gain=0.0))


@pytest.fixture
def ids(bank: Bank, binding: dict[str, object]) -> list[str]:
    """Three attributes of a model; the first suffers from the second, and nothing is known of the third."""
    found = [bank.add(artifact(name=name, backbone=binding)).id for name in NAMES]
    bank.measurements.keep_matrix(_matrix(*found[:2]))
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


def test_what_was_measured_of_an_attribute_is_not_said_of_the_next_of_its_name(
    cli: Cli, ids: list[str], bank: Bank, binding: dict[str, object]
) -> None:
    again = bank.add(artifact(name="hat", backbone=binding, seeds=(5,)), replace=True)
    assert again.id != ids[0]
    assert _warnings(cli, "hat", "beard") == []
    assert len(_warnings(cli, f"hat@{ids[0][:12]}", "beard")) == 1


def test_a_shipped_matrix_warns_of_shipped_attributes(
    cli: Cli, binding: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = Bank(tmp_path / "starter")
    hat, beard, _ = [shipped.add(artifact(name=name, backbone=binding)).id for name in NAMES]
    put_matrix(Layout(shipped.path), _matrix(hat, beard))
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: shipped.path)
    (warning,) = _warnings(cli, "hat", "beard")
    assert warning.startswith("hat suffers from beard: ")


def test_a_damaged_matrix_is_a_warning_and_no_more(cli: Cli, ids: list[str], bank: Bank) -> None:
    path = bank.path / "matrix.json"
    path.chmod(0o644)
    path.write_text("{")
    (warning,) = _warnings(cli, "hat", "beard")
    assert "matrix.json is damaged" in warning


@pytest.mark.parametrize(
    ("references", "told"),
    [
        (("young", "old"), True),
        (("old:0.3", "young"), True),
        (("young:-1", "old:-1"), True),
        (("young", "old:-1"), False),
        (("young:0", "old"), False),
        (("young", "smile"), False),
    ],
)
def test_opposites_are_told(
    cli: Cli, bank: Bank, binding: dict[str, object], references: tuple[str, ...], told: bool
) -> None:
    pairs = {
        "young": ("an old man", "a young man"),
        "old": ("a young man", "an old man"),
        "smile": ("a man", "a smile"),
    }
    for name, (source, target) in pairs.items():
        bank.add(artifact(name=name, backbone=binding, pairs=[{"source": source, "target": target}]))
    warnings = _warnings(cli, *references)
    assert any("are opposites, and take each other back" in warning for warning in warnings) == told
