"""The bank as a page: it stands alone, obeys nobody, and replaces nothing unasked."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest

from attrbank.store.bank import Bank
from tests.cli.conftest import Cli, artifact

JPEG = b"\xff\xd8\xff" + b"picture"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def page(cli: Cli, bank: Bank) -> str:
    """Of two attributes, one of which has a preview, tags and a note."""
    smile = bank.add(artifact(name="smile"))
    bank.add(artifact(name="young"))
    bank.previews.keep(smile, JPEG)
    assert cli("tag", "smile", "face").code == 0
    assert cli("note", "smile", "<script>alert(1)</script> & so on").code == 0
    outcome = cli("gallery")
    assert (outcome.code, outcome.out) == (0, "bank.html\n"), outcome.err
    return Path("bank.html").read_text(encoding="utf-8")


def test_every_attribute_is_there_with_the_command_that_applies_it(page: str) -> None:
    assert re.findall(r"<h2>(\w+)</h2>", page) == ["smile", "young"]
    assert "attrbank apply smile:0.7" in page
    assert "<dd>a young person</dd>" in page


def test_the_page_stands_alone(page: str) -> None:
    assert f"data:image/jpeg;base64,{base64.b64encode(JPEG).decode()}" in page
    assert page.count("no preview") == 1
    assert not re.search(r"(src|href)=\"(?!data:)", page)


def test_what_comes_from_files_is_text_and_nothing_else(page: str) -> None:
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so on" in page


def test_tags_choose_and_can_be_chosen_on_the_page(cli: Cli, page: str) -> None:
    assert 'data-tag="face"' in page
    assert cli("gallery", "--tag", "face", "-o", "faces.html").code == 0
    assert re.findall(r"<h2>(\w+)</h2>", Path("faces.html").read_text(encoding="utf-8")) == ["smile"]


def test_a_page_is_replaced_only_where_its_name_was_given(cli: Cli, page: str) -> None:
    again = cli("gallery")
    assert again.code == 4
    assert "attrbank gallery -o bank.html" in again.err
    assert cli("gallery", "-o", "bank.html").code == 0


def test_a_damaged_preview_is_a_warning(cli: Cli, bank: Bank, page: str) -> None:
    path = bank.previews.path(bank.resolve("smile"))
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"GIF")
    outcome = cli("gallery", "-o", "bank.html")
    assert outcome.code == 0
    assert "is damaged" in outcome.err
    assert Path("bank.html").read_text(encoding="utf-8").count("no preview") == 2


@pytest.mark.parametrize("folder", ["cards", "annotations"])
def test_what_is_damaged_beside_an_attribute_is_a_warning(cli: Cli, bank: Bank, page: str, folder: str) -> None:
    place = bank.path / folder / f"{bank.resolve('smile').id}.json"
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    place.write_bytes(b"{")
    outcome = cli("gallery", "-o", "bank.html")
    assert outcome.code == 0, outcome.err
    assert "warning" in outcome.err
    assert re.findall(r"<h2>(\w+)</h2>", Path("bank.html").read_text(encoding="utf-8")) == ["smile", "young"]


def test_no_network_is_imported_for_it(bank: Bank, tmp_path: Path) -> None:
    bank.add(artifact())
    code = (
        "import sys; from attrbank.cli.app import run; run(['gallery']); print({'torch', 'numpy'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["bank.html", "set()"], found.stderr
