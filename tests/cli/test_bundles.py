"""Several attributes travel as one folder, in full, and names in use are dealt with as was asked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.helpers.artifacts import usable
from tests.helpers.measured import a_card


@pytest.fixture
def pack(cli: Cli, bank: Bank, tmp_path: Path) -> Path:
    """A bundle of two, with a card and a tag."""
    for name in ("young", "old"):
        entry = bank.add(usable(name))
    bank.measurements.keep_card(a_card(entry.id))
    bank.annotations.tag(entry, ["face"])
    assert cli("export", "young", "old", "--bundle", "-o", str(tmp_path / "pack")).code == 0
    return tmp_path / "pack"


def test_a_bundle_travels_with_cards_and_tags(cli: Cli, bank: Bank, pack: Path, tmp_path: Path) -> None:
    assert subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=pack, check=False, capture_output=True).returncode == 0
    other = str(tmp_path / "other")
    for _ in range(2):
        assert len(cli("import", str(pack), "--bank", other).out.splitlines()) == 2
    old = Bank(other).resolve("old")
    assert (old.tags, old.score, old.id) == (("face",), 0.9, bank.resolve("old").id)
    assert cli("export", "young", "--bundle", "-o", str(pack)).code == 4
    assert cli("import", str(pack), "--name", "x").code == 2


def _artifact(pack: Path) -> Path:
    return next(pack.glob("old*.safetensors"))


SPOILT: dict[str, Callable[[Path], object]] = {
    "a changed artifact": lambda pack: _artifact(pack).write_bytes(_artifact(pack).read_bytes()[:-1] + b"x"),
    "a changed card": lambda pack: next(pack.glob("*.card.json")).write_text("{}"),
    "one is missing": lambda pack: _artifact(pack).unlink(),
    "one too many": lambda pack: (pack / "more.safetensors").write_bytes(b""),
    "a pipe": lambda pack: (_artifact(pack).unlink(), os.mkfifo(pack / "pipe")),
    "sums that lead elsewhere": lambda pack: (pack / "SHA256SUMS").write_text(f"{'0' * 64}  ../evil\n"),
    "sums that are none": lambda pack: (pack / "SHA256SUMS").write_bytes(b"\xff\n"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_bundle_is_refused_as_a_whole(kind: str, cli: Cli, pack: Path, tmp_path: Path) -> None:
    SPOILT[kind](pack)
    assert cli("import", str(pack), "--bank", str(tmp_path / "other")).code == 5
    assert not (tmp_path / "other").exists()


def test_an_export_that_was_cut_short_is_no_bundle(cli: Cli, pack: Path, tmp_path: Path) -> None:
    (pack / "SHA256SUMS").unlink()
    assert cli("import", str(pack), "--bank", str(tmp_path / "other")).code == 7


def test_names_in_use_are_dealt_with_as_was_asked(cli: Cli, bank: Bank, pack: Path, tmp_path: Path) -> None:
    other = Bank(tmp_path / "other")
    mine = other.add(usable(t_x=0.5))
    arguments = ("import", str(pack), "--bank", str(other.path), "--on-conflict")
    assert cli(*arguments, "refuse").code == 11
    skipped = cli(*arguments, "skip")
    assert (skipped.code, "skipped" in skipped.err) == (0, True)
    assert other.resolve("young").id == mine.id
    for _ in range(2):  # the second time it is there already
        assert cli(*arguments, "rename").code == 0
    theirs = bank.resolve("young").id
    assert other.resolve("young-2").id == other.resolve(f"young@{theirs[:12]}").id == theirs
    other.reindex()
    assert sorted(entry.name for entry in other.entries()) == ["old", "young", "young-2"]
    third = Bank(tmp_path / "third")
    third.add(usable(t_x=0.5))
    assert cli("import", str(pack), "--bank", str(third.path), "--on-conflict", "replace").code == 0
    assert third.resolve("young").id == theirs
    assert len(third.versions("young")) == 2
    assert cli(*arguments, "rename", "--replace").code == 2
    assert json.loads(cli(*arguments, "skip", "--json").out)[0]["name"] in {"old", "young-2"}
