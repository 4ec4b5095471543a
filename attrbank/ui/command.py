"""``attrbank ui``: serve the page to this computer, and to nobody else."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import typer

from attrbank.cli import terminal
from attrbank.cli.options import BackboneOption, BankOption, ConfigOption, JsonOption, Where, backbone_of, spelled_out
from attrbank.errors import InvalidValueError, NotFoundError

HOST = "127.0.0.1"
USUAL_PORT = 7766

QUIETLY: Mapping[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "ws": "none",
    "server_header": False,
    "timeout_graceful_shutdown": 3,
}
"""How uvicorn serves the page."""


@spelled_out
def ui(
    *,
    backbone: BackboneOption = None,
    config: ConfigOption = None,
    port: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=65535, help=f"Default {USUAL_PORT}, or any that is free.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    as_json: JsonOption = False,
    where: Where,
    bank: BankOption = None,
) -> None:
    """Open a page with sliders in a browser. It is served to this computer alone, until Ctrl-C."""
    try:
        import uvicorn

        from attrbank.ui.guard import new_key, url_of
    except ImportError as error:
        hint = 'In a clone of attrbank: pip install -c constraints.txt ".[ui]"'
        raise NotFoundError(f"The page needs a package that is not installed: {error.name}.", hint) from error
    with listen(port) as listening:
        port, key = listening.getsockname()[1], new_key()
        url = url_of(port, key)
        if as_json:
            terminal.document({"url": url, "port": port})
        else:
            terminal.lines([url])
        terminal.say("Open this address in a browser; Ctrl-C ends it.")
        sys.stdout.flush()
        if not no_browser and has_screen():
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        from attrbank.ui.app import Page  # torch takes its time; who asks meanwhile waits for an answer

        with ends_in_order(), Page(backbone_of(backbone, config), bank, where.placement()) as page:
            settings = uvicorn.Config(page.guarded(port, key), **QUIETLY)
            uvicorn.Server(settings).run(sockets=[listening])


@contextmanager
def ends_in_order() -> Iterator[None]:
    """Who closes the terminal, or kills the process, ends it as Ctrl-C does: no picture of theirs stays on the disk."""

    def end(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            raise SystemExit(128 + number)
        signal.raise_signal(signal.SIGTERM)  # which uvicorn waits for

    named = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))  # Windows has one of them
    ending = [number for number in named if number and signal.getsignal(number) is signal.SIG_DFL]
    for number in ending:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_DFL)


def has_screen() -> bool:
    """Whether a browser would have a window: without one, some take the terminal."""
    return not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


def listen(port: int | None) -> socket.socket:
    """A socket that listens on this computer; None takes the usual port, or one that is free.

    Raises:
        InvalidValueError: somebody else has the port.
    """
    try:
        return _bound(USUAL_PORT if port is None else port)
    except OSError as error:
        if port is None:
            return _bound(0)
        raise InvalidValueError(f"Port {port} is taken.", "Leave --port out, and one that is free is taken.") from error


def _bound(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A small answer would wait 40 ms for word that its head has arrived: asyncio forgets this one for such sockets.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((HOST, port))
        listening.listen()  # from now on nobody else can have it
    except OSError:
        listening.close()
        raise
    return listening
