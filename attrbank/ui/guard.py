"""Who may talk to the page's server: the browser that has its key, from the page itself, by the name it was given.

A server that runs models is worth attacking from any other page that is open in the same browser. So what comes without
the key is refused, whose cookie no other site's request carries; so is a request by another host name, which is how a
foreign domain that points here would come; and whatever changes something has to say that it comes from this page.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

READING = {"GET", "HEAD"}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Of every answer: nothing is fetched from elsewhere, nothing of it is shown elsewhere, nothing stays."""


def new_key() -> str:
    """What a browser shows to be let in."""
    return secrets.token_urlsafe(24)


def url_of(port: int, key: str) -> str:
    """The page's address, with the key."""
    return f"http://127.0.0.1:{port}/?key={key}"


class Guard:
    """An application that answers those alone who may ask.

    Args:
        app: what it guards.
        port: where it is served.
        key: what a browser shows to be let in.
    """

    def __init__(self, app: ASGIApp, port: int, key: str) -> None:
        self._app, self._key = app, key
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = f"attrbank-{port}"  # browsers send cookies to every port of a host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (self._answer(Request(scope)) or self._app)(scope, receive, with_headers)

    def _answer(self, request: Request) -> Response | None:
        """What is said instead of letting somebody in; None lets in."""
        if request.headers.get("host") not in self._hosts:
            return PlainTextResponse("This is no address of this page.", 421)
        if request.method == "GET" and self._is_key(request.query_params.get("key", "")):
            entered = RedirectResponse("/", 303)
            entered.set_cookie(self._cookie, self._key, httponly=True, samesite="strict")
            return entered
        if not self._is_key(request.cookies.get(self._cookie, "")):
            return PlainTextResponse("Open the address that attrbank ui printed; it lets this browser in.", 403)
        if request.method not in READING and request.headers.get("origin") not in self._origins:
            return PlainTextResponse("This page takes orders from itself alone.", 403)
        return None

    @property
    def _origins(self) -> set[str]:
        return {f"http://{host}" for host in self._hosts}

    def _is_key(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._key.encode())
