"""The command line in this process, on a bank of its own and without the starter bank."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from attrbank.cli.app import run
from attrbank.store.bank import Bank
from tests.helpers import artifacts

RECORD = artifacts.RECORD | {"seeds": list(range(64)), "units": {"mean": 2.0}}


class Outcome(NamedTuple):
    """What a command line left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


def artifact(**changes: Any) -> bytes:
    """An artifact of ``RECORD``, with some changes."""
    return artifacts.artifact(**(RECORD | changes))


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """The bank that the commands use."""
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    monkeypatch.setenv("ATTRBANK_BANK", str(tmp_path / "bank"))
    return Bank(tmp_path / "bank")


@pytest.fixture
def cli(bank: Bank, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs one command line, as ``cli("list", "--json")``."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("ATTRBANK_DEBUG", raising=False)

    def invoke(*arguments: str) -> Outcome:
        code = run(arguments)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return invoke
