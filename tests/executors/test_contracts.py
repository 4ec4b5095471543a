"""The built-in executors keep their contract; that of Ray on a real cluster of two workers."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

from attrbank.errors import IncompatibleError, InvalidValueError, NotFoundError, PluginError
from attrbank.executors import on_ray
from attrbank.executors.here import Here
from attrbank.executors.on_ray import Ray
from attrbank.executors.protocol import Job, Task
from attrbank.executors.trial import TARGET
from attrbank.plugin.testing import ExecutorContract
from attrbank.plugins.manager import load_plugins


class TestHere(ExecutorContract):
    isolated = False

    def make(self) -> Here:
        return Here()


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
@pytest.mark.usefixtures("cluster")
class TestRay(ExecutorContract):
    def make(self) -> Ray:
        return Ray()

    def test_workers_are_other_processes_that_are_like_the_client(self) -> None:
        client = (str(os.getpid()), os.getcwd())
        heard: list[bytes] = []
        job = Job("tests.executors.whereabouts:made", b"")
        list(Ray().run(job, iter([Task(0, b""), None]).__next__, lambda task, message: heard.append(message)))
        pid, folder, plugins = heard[0].decode().split("\n")
        assert (pid != client[0], folder, plugins) == (True, client[1], "none")

    def test_another_attrbank_is_refused(self) -> None:
        with pytest.raises(PluginError, match=r"has attrbank .*, not 0\.0"):
            list(Ray().run(Job(TARGET, b"", version="0.0"), lambda: Task(0, b""), lambda task, message: None))

    def test_work_that_cannot_begin_is_told(self) -> None:
        with pytest.raises(PluginError, match="A worker cannot begin: ModuleNotFoundError"):
            list(Ray().run(Job("nowhere:made", b""), lambda: Task(0, b""), lambda task, message: None))


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    os.environ |= on_ray.QUIET
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


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
