"""One file holds the user's settings; it is changed entry by entry, and left alone where it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.files import settings
from attrbank.learning.run import default_backbone
from attrbank.store.layout import default_bank


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("ATTRBANK_BANK", raising=False)
    return tmp_path / "attrbank" / "config.toml"


def test_a_change_leaves_comments_and_all_else_as_they_are(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('# mine\nbackbone = "a"  # why\nlater = 7\n\n[backbones]\nxl = "o/m"\n')
    settings.change("backbone", 'a "folder" \\ with ünicode \x07')
    settings.change("sd15", "/m", settings.SHORT_NAMES)
    assert settings.get("backbone") == 'a "folder" \\ with ünicode \x07'
    assert settings.read()["backbones"] == {"xl": "o/m", "sd15": "/m"}
    text = file.read_text()
    assert "# mine" in text
    assert "# why" in text
    assert "later = 7" in text
    settings.change("backbone", None)
    assert settings.get("backbone") is None
    with pytest.raises(NotFoundError):
        settings.change("backbone", None)


@pytest.mark.parametrize("content", ["backbone", "backbone = 7", 'backbone = ""', 'backbone = "\\u0000"'])
def test_a_damaged_file_is_named_and_left_alone(content: str, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(InvalidValueError, match=r"config\.toml is damaged"):
        settings.get("backbone")
    assert file.read_text() == content


def test_settings_count_where_nothing_else_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_backbone() == "portraits"
    settings.change("backbone", "sd15")
    settings.change("bank", "/mine")
    assert (default_backbone(), default_bank()) == ("sd15", Path("/mine"))
    monkeypatch.setenv("ATTRBANK_BANK", "/other")
    assert default_bank() == Path("/other")
