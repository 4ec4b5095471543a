from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.errors import CorruptArtifactError
from attrbank.store.layout import Layout, default_bank, starter_bank


def test_artifacts_are_sharded_by_the_beginning_of_their_id() -> None:
    assert Path("bank/objects/ab") / f"{'ab' * 32}.safetensors" == Layout(Path("bank")).object("ab" * 32)


@pytest.mark.parametrize("identity", ["", "../../etc/passwd", "AB" * 32, "ab" * 31, "ab" * 32 + "\n"])
def test_paths_are_made_from_ids_only(identity: str) -> None:
    with pytest.raises(CorruptArtifactError):
        Layout(Path("bank")).object(identity)


def test_environment_beats_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("ATTRBANK_BANK", "/elsewhere")
    assert Path("/elsewhere") == default_bank()
    monkeypatch.delenv("ATTRBANK_BANK")
    assert Path("/data/attrbank/bank") == default_bank()


def test_relative_data_directory_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATTRBANK_BANK", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    assert default_bank().parts[-2:] == ("attrbank", "bank")
    assert default_bank().is_absolute()


def test_starter_bank_is_found_in_the_package_before_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "attrbank"
    monkeypatch.setattr("attrbank.store.layout.__file__", str(package / "store" / "layout.py"))
    assert starter_bank() is None
    (tmp_path / "bank" / "objects").mkdir(parents=True)
    assert tmp_path / "bank" == starter_bank()
    (package / "_bank" / "objects").mkdir(parents=True)
    assert package / "_bank" == starter_bank()
