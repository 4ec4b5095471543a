"""Of a web server nothing is believed but what the sums prove."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attrbank.attribute import bundle
from attrbank.attribute.places import web
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.helpers.serving import answering, serving_folder


def _endless(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(2**20))
    except OSError:
        pass


def _boasting(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(2**50))
    handler.end_headers()


def _breaking_off(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"0" * 10)


def _leading(target: str) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer


def _silent(handler: Any) -> None:
    threading.Event().wait(1)


def _dripping(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"0")
            threading.Event().wait(0.02)
    except OSError:
        pass


HOSTILE = {
    "endless": (_endless, 5),
    "says that it is huge": (_boasting, 5),
    "breaks off": (_breaking_off, 3),
    "leads to a file": (_leading("file:///etc/passwd"), 3),
    "leads to ftp": (_leading("ftp://127.0.0.1/x"), 3),
    "leads to nowhere": (_leading("http://[bad"), 3),
    "leads in a circle": (_leading("/SHA256SUMS"), 3),
    "says nothing": (_silent, 3),
    "drips": (_dripping, 3),
    "fails": (lambda handler: handler.send_error(500), 3),
    "is no web server": (lambda handler: handler.wfile.write(b"220 ftp ready\r\n"), 3),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_server_costs_little_and_gets_nothing_in(
    kind: str, cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, code = HOSTILE[kind]
    monkeypatch.setattr(web, "SILENCE", 0.5)
    monkeypatch.setattr(web, "START", 0.5)
    monkeypatch.setattr(bundle, "MAX_SUMS", 2**22)
    with answering(answer) as address:
        outcome = cli("pull", address)
    assert (outcome.code, outcome.out, outcome.err.count("error:")) == (code, "", 1), outcome.err
    assert "bug" not in outcome.err
    assert not bank.path.exists()


def test_a_redirect_to_the_same_scheme_is_followed(cli: Cli, shelf: Path, tmp_path: Path) -> None:
    with serving_folder(shelf) as there, answering(lambda h: _leading(f"{there}{h.path}")(h)) as address:
        assert cli("pull", address, "--bank", str(tmp_path / "other")).code == 0
