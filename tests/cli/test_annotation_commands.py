"""Words about attributes, from the command line, and on their way to another bank."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.helpers.artifacts import usable


def test_tags_notes_aliases_and_names_are_set_shown_and_listed(cli: Cli, bank: Bank) -> None:
    entry = bank.add(usable())
    assert cli("tag", "young", "face", "age").out == "face\nage\n"
    assert cli("tag", "young", "--remove", "age").out == cli("tag", "young").out == "face\n"
    assert cli("note", "young", "first\nsecond").out == cli("note", "young").out == "first\nsecond\n"
    assert cli("alias", "young", "junior").out == "junior\n"
    assert cli("rename", "junior", "youth").out == f"youth@{entry.id[:12]}\n"
    assert cli("list", "-q", "--tag", "face").out == "youth\n"
    assert cli("list", "-q", "--tag", "age").out == ""
    shown = cli("show", "youth").out
    assert all(word in shown for word in ("youth", "junior", "face", "first", "second"))
    told = json.loads(cli("show", "youth", "--json").out)
    assert (told["tags"], told["aliases"], told["note"]) == (["face"], ["junior"], "first\nsecond")
    assert json.loads(cli("list", "--json").out)[0]["tags"] == ["face"]
    assert json.loads(cli("search", "second", "--json").out)[0]["name"] == "youth"
    assert "youth" in cli("search", "secon").out
    assert cli("search", "third").code == 0
    assert json.loads(cli("tag", "youth", "--json").out)["tags"] == ["face"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("tag", "nobody", "x"), 3),
        (("tag", "young", "Two Words"), 4),
        (("alias", "young", "old"), 4),
        (("rename", "young", "old"), 4),
        (("rename", "young", "../x"), 4),
        (("note", "young", "x" * 10_001), 4),
        (("search", "?"), 4),
        (("search",), 2),
    ],
)
def test_what_cannot_be_said_is_refused(arguments: tuple[str, ...], code: int, cli: Cli, bank: Bank) -> None:
    for name in ("young", "old"):
        bank.add(usable(name))
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert "error: " in outcome.err


def test_a_note_is_shown_and_not_obeyed(cli: Cli, bank: Bank) -> None:
    bank.add(usable())
    cli("note", "young", "[red]x[/]\x1b[2J\u202e")
    for out in (cli("note", "young").out, cli("show", "young").out):
        assert "[red]x[/][2J" in out
        assert "\x1b" not in out


def test_what_is_said_travels_with_an_attribute(
    cli: Cli, bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    entry = bank.add(usable())
    cli("tag", "young", "face")
    cli("rename", "young", "youth")
    file = cli("export", "youth").out.strip()
    assert file == f"youth-{entry.id[:12]}.safetensors"
    assert cli("import", file, "--bank", "other").out == f"youth@{entry.id[:12]}\n"
    assert Bank("other").resolve("youth").tags == ("face",)
    assert cli("import", file, "--bank", "third", "--name", "young").out == f"young@{entry.id[:12]}\n"
    beside = Path(file).with_suffix(".annotation.json")
    beside.write_text(beside.read_text().replace(entry.id, "f" * 64))
    assert cli("import", file, "--bank", "fourth").code == 5
    assert not Path("fourth").exists()
