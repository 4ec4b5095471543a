"""``attrbank ui`` itself: where it listens, and what it says when it cannot."""

from __future__ import annotations

import json
import queue
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from attrbank.cli.app import run
from attrbank.errors import InvalidValueError
from attrbank.ui import command


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The hosts that would have been listened on; nothing is served."""
    import uvicorn

    from attrbank.ui.models import Model

    seen: list[Any] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: seen.append(sockets[0].getsockname()[0]))
    monkeypatch.setattr(Model, "_load", lambda self: self._done.set())
    return seen


def test_without_the_extra_it_says_which_line_installs_it(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert run(["ui", "--no-browser"]) == 3
    assert 'pip install -c constraints.txt ".[ui]"' in capsys.readouterr().err


def test_it_prints_its_address_and_listens_on_this_computer_alone(served, capsys, tmp_path: Path) -> None:
    assert run(["ui", "--no-browser", "--port", "0", "--bank", str(tmp_path / "bank")]) == 0
    url = capsys.readouterr().out.strip()
    (host,) = served
    assert host == command.HOST
    assert url.startswith(f"http://{host}:")
    assert not (tmp_path / "bank").exists()


def test_it_says_the_same_as_json(served, capsys) -> None:
    assert run(["ui", "--no-browser", "--port", "0", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["url"].startswith(f"http://127.0.0.1:{told['port']}/?key=")


def test_the_browser_is_opened_unless_it_is_not_to_be(served, monkeypatch, capsys) -> None:
    opened = queue.Queue[str]()
    monkeypatch.setattr(command.webbrowser, "open", opened.put)
    monkeypatch.setenv("DISPLAY", ":0")
    assert run(["ui", "--port", "0"]) == 0
    assert opened.get(timeout=10) == capsys.readouterr().out.strip()
    for screen in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(screen, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not command.has_screen()


def test_a_port_that_is_taken_is_refused_if_it_was_asked_for_and_passed_over_if_not(monkeypatch) -> None:
    with command.listen(0) as taken:
        port = taken.getsockname()[1]
        assert taken.getsockname()[0] == "127.0.0.1"
        with pytest.raises(InvalidValueError, match=f"Port {port} is taken"):
            command.listen(port)
        monkeypatch.setattr(command, "USUAL_PORT", port)
        with command.listen(None) as other:
            assert other.getsockname()[1] != port
            assert other.family is socket.AF_INET


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_and_a_kill_leave_nothing_that_was_dropped(served, number, monkeypatch, tmp_path) -> None:
    import uvicorn

    def end(server: Any, sockets: Any) -> None:
        assert list(tmp_path.iterdir())
        assert callable(signal.getsignal(number)), "the process would end at once"
        signal.raise_signal(number)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(uvicorn.Server, "run", end)
    ours = signal.signal(number, signal.SIG_DFL)  # under nohup, hanging up is ignored here too
    try:
        with pytest.raises(SystemExit) as ended:
            run(["ui", "--no-browser", "--port", "0"])
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, ours)
    assert ended.value.code == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
