from __future__ import annotations

import os
from pathlib import Path

import pytest

from attrbank.backbones import short_names as shortnames
from attrbank.errors import InvalidValueError, NotFoundError, StorageError


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "attrbank" / "config.toml"


def test_short_names_are_kept_in_order_and_forgotten(table: Path) -> None:
    assert shortnames.read_table() == {}
    shortnames.add("xl", "owner/model")
    shortnames.add("sd15", "/models/a folder with ünicode")
    shortnames.add("xl", "owner/other")
    assert list(shortnames.read_table().items()) == [("sd15", "/models/a folder with ünicode"), ("xl", "owner/other")]
    shortnames.remove("sd15")
    assert shortnames.read_table() == {"xl": "owner/other"}
    assert [path.name for path in table.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("name", ["", "SD15", "../sd15", "a b", "é", "x" * 65])
def test_a_short_name_is_a_name_like_any_other(name: str, table: Path) -> None:
    with pytest.raises(InvalidValueError):
        shortnames.add(name, "owner/model")
    assert not table.exists()


def test_what_is_not_there_cannot_be_forgotten(table: Path) -> None:
    with pytest.raises(NotFoundError, match="sd15"):
        shortnames.remove("sd15")


@pytest.mark.parametrize(
    "content",
    [
        *(
            "[]",
            "7",
            'backbones = "sd15"',
            "backbones = [1]",
            "backbones.sd15 = 7",
            'backbones.sd15 = ""',
            "\0",
            "\udcff",
        ),
        *('backbones."SD 15" = "x"', "backbones.a = {}"),
    ],
)
def test_a_damaged_table_is_named_and_not_written_over(content: str, table: Path) -> None:
    table.parent.mkdir()
    table.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(InvalidValueError, match=r"config\.toml"):
        shortnames.read_table()
    with pytest.raises(InvalidValueError):
        shortnames.add("sd15", "owner/model")
    assert table.read_bytes() == content.encode(errors="surrogateescape")


def test_a_table_that_cannot_be_written_stays_as_it_is(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shortnames.add("sd15", "owner/model")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError):
        shortnames.add("xl", "owner/other")
    assert shortnames.read_table() == {"sd15": "owner/model"}
    assert [path.name for path in table.parent.iterdir()] == ["config.toml"]


def test_a_file_in_the_place_of_the_folder_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError):
        shortnames.add("sd15", "owner/model")


def test_a_table_at_which_one_would_wait_for_ever_is_refused(table: Path) -> None:
    table.parent.mkdir()
    os.mkfifo(table)
    with pytest.raises(StorageError, match="no regular file"):
        shortnames.read_table()
