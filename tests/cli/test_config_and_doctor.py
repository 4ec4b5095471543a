"""Settings are changed by commands, and ``doctor`` says what is here and what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attrbank.cli import doctor
from attrbank.cli.doctor import Finding
from attrbank.files import settings
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli, artifact
from tests.helpers.fake_distributions import BROKEN, install


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "attrbank" / "config.toml"


@pytest.fixture(autouse=True)
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its devices are another test's."""
    monkeypatch.setattr(doctor, "_devices", lambda: iter([Finding("devices", "ok", "cpu")]))
    monkeypatch.setattr(doctor, "_starter", lambda: iter(()))


def test_a_setting_is_set_shown_and_forgotten(cli: Cli, tmp_path: Path) -> None:
    assert cli("config", "get", "backbone").code == 3
    assert cli("config", "set", "backbone", "portraits").out == "portraits\n"
    assert cli("config", "get", "backbone").out == "portraits\n"
    assert json.loads(cli("config", "--json").out)["settings"] == {"backbone": "portraits", "bank": None}
    assert "portraits" in cli("config").out
    assert cli("config", "unset", "backbone").code == 0
    assert cli("config", "unset", "backbone").code == 3
    assert cli("config", "set", "bank", str(tmp_path / "mine")).out == f"{tmp_path / 'mine'}\n"


def test_what_would_not_work_is_not_set(cli: Cli, configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert cli("config", "set", "backbone", "nobody").code == 3
    assert cli("config", "set", "bank", str(tmp_path / "file")).code == 7
    assert cli("config", "set", "bank", "").code == 4
    assert cli("config", "set", "colour", "red").code == 4
    assert not configuration.exists()


def test_a_sound_installation_has_nothing_wrong(cli: Cli, bank: Bank) -> None:
    bank.add(artifact())
    outcome = cli("doctor")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"{bank.path}, 1 attributes" in outcome.out
    found = json.loads(cli("doctor", "--json").out)
    assert {finding["state"] for finding in found} == {"ok"}
    assert [finding["what"] for finding in found][:3] == ["attrbank", "libraries", "settings"]


def test_the_first_thing_that_is_wrong_gives_the_code_and_all_are_told(
    cli: Cli, bank: Bank, configuration: Path, on_path: Path
) -> None:
    bank.add(artifact())
    (bank.path / "index.db").write_bytes(b"junk" * 2000)
    install(on_path, "attrbank-bad", BROKEN["raises"])
    settings.change("gone", "/no/such/model", settings.SHORT_NAMES)
    settings.change("colour", "red")
    outcome = cli("doctor", "--json")
    wrong = {found["what"]: found["code"] for found in json.loads(outcome.out) if found["state"] == "wrong"}
    warned = [found["what"] for found in json.loads(outcome.out) if found["state"] == "warning"]
    assert (outcome.code, wrong, warned) == (5, {"bank": 5, "plugin": 9}, ["settings", "short name"])
    told = cli("doctor").out
    assert f"attrbank reindex --bank {bank.path}" in told
    assert "To remove it: pip uninstall attrbank-bad" in told


def test_what_is_found_is_printed_before_the_next_look(
    cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def devices() -> Iterator[Finding]:
        seen.append(capsys.readouterr().out)
        yield Finding("devices", "ok", "cpu")

    monkeypatch.setattr(doctor, "_devices", devices)
    assert cli("doctor").out.startswith("devices")
    assert "libraries" in seen[0]


def test_torch_is_imported_only_to_ask_for_devices(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from attrbank.cli.doctor import examine\n"
        "for found in examine(None):\n    print(found.what, 'torch' in sys.modules)\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *light, last = finished.stdout.splitlines()
    assert all(line.endswith("False") for line in light)
    assert last == "devices True"
