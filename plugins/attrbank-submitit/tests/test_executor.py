"""The executor keeps its contract, with processes of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("submitit")

from attrbank_submitit.executor import Submitit
from attrbank_submitit.spool import LENGTH, Spool

from attrbank.plugin import ExecutorContract, InvalidValueError


class TestSubmitit(ExecutorContract):
    many = 12

    def make(self) -> Submitit:
        return Submitit("local")


def test_a_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="no folder"):
        Submitit(str(tmp_path / "none"))
    assert Submitit(str(tmp_path))


def test_half_a_message_is_read_when_it_is_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a")
    assert list(spool.told()) == []
    framed = (5).to_bytes(LENGTH, "little") + b"hello"
    spool.path.write_bytes(framed + framed[:-1])
    assert list(spool.told()) == [b"hello"]
    spool.path.write_bytes(framed * 2)
    assert list(spool.told()) == [b"hello"]
    assert list(spool.told()) == []
