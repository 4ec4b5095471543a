"""The executor that everybody has keeps its contract; and how executors are named."""

from __future__ import annotations

import pytest

from attrbank.errors import IncompatibleError, InvalidValueError, NotFoundError
from attrbank.executors.here import Here
from attrbank.executors.on_ray import Ray
from attrbank.executors.protocol import Job
from attrbank.executors.trial import TARGET
from attrbank.plugin.testing import ExecutorContract
from attrbank.plugins.manager import load_plugins


class TestHere(ExecutorContract):
    isolated = False

    def make(self) -> Here:
        return Here()


def test_executors_are_named_with_what_they_are_told() -> None:
    assert isinstance(load_plugins().executor(), Here)
    assert isinstance(load_plugins().executor("ray:127.0.0.1:1"), Ray)
    with pytest.raises(InvalidValueError, match="takes nothing behind a colon"):
        load_plugins().executor("here:x")
    with pytest.raises(NotFoundError, match="no executor 'rey'"):
        load_plugins().executor("rey")


def test_who_is_not_like_the_client_does_not_work() -> None:
    with pytest.raises(IncompatibleError):
        Job(TARGET, b"", version="0.0").arrived()


def test_no_token_and_no_bank_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "ATTRBANK_BANK", "AWS_SECRET_ACCESS_KEY", "ATTRBANK_STRICT_PLUGINS"):
        monkeypatch.setenv(name, "x")
    handed = {name for name, _ in Job(TARGET, b"").environment}
    assert handed & {"HF_TOKEN", "ATTRBANK_BANK", "AWS_SECRET_ACCESS_KEY"} == set()
    assert "ATTRBANK_STRICT_PLUGINS" in handed
