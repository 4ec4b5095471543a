"""The command line in this process, on a bank of its own and without the starter bank."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from attrbank.cli.app import run
from attrbank.store.bank import Bank

RECORD: dict[str, Any] = {
    "name": "young",
    "method": "avi",
    "vectors": "difference",
    "core": "mean",
    "rank": 1,
    "units": {"mean": 2.0},
    "pairs": [{"source": "a photo of a person", "target": "a photo of a young person"}],
    "seeds": list(range(64)),
    "t_x": 0.4,
    "delta_tau": -0.2,
    "resolved": {"timestep_x": 400, "timestep_z": 200, "alpha_bar_x": 0.5, "alpha_bar_z": 0.8},
    "backbone": {
        "name": "portraits",
        "fingerprint": "0123456789abcdef",
        "latent_shape": [4, 32, 32],
        "prediction_type": "epsilon",
    },
    "sampler": "ddim",
    "steps": 25,
    "guidance_scale": 3.0,
}


class Outcome(NamedTuple):
    """What a command line left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


def artifact(**changes: Any) -> bytes:
    """An artifact with one tensor of four bytes."""
    metadata = {"attrbank.record": json.dumps(RECORD | changes)}
    header = {"__metadata__": metadata, "u": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(4)


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
