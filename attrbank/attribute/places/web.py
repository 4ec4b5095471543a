"""Bundles that a web server hands out as they lie in a folder; nothing is believed of it but what the sums prove.

Only http and https are spoken, also after a redirect; an answer is no longer than it may be, and takes no longer.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any
from urllib import error, parse, request

from attrbank.attribute.bundle import SUMS
from attrbank.errors import CorruptArtifactError, InvalidValueError, NotFoundError
from attrbank.names import VERSION
from attrbank.text import printable

SILENCE = 30.0
"""Seconds for which a server may say nothing."""
START, SLOWEST = 60.0, 2**14
"""A file may take so many seconds, and one more for each so many bytes of it."""
MAX_ADDRESS = 400
"""Characters."""
_PIECE = 2**16
_HINT = "See that the address and the connection are right."


class Web:
    """A bundle behind an address.

    Args:
        address: of the folder; ends in a slash.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = request.OpenerDirector()  # knows no ftp: and no file:, unlike the usual one
        for handler in (
            *(request.ProxyHandler(), request.HTTPHandler(), request.HTTPSHandler(), _Redirects()),
            *(request.HTTPErrorProcessor(), request.HTTPDefaultErrorHandler()),
        ):
            self._opener.add_handler(handler)
        self._opener.addheaders = [("User-Agent", f"attrbank/{VERSION}")]

    @classmethod
    def at(cls, address: str) -> Web:
        """The bundle behind the address of a folder, or of its index.

        Raises:
            InvalidValueError: it is no address of a folder, or holds a password.
        """
        try:
            parts = parse.urlsplit(address)
            sound = parts.hostname and (parts.port is None or parts.port > 0) and address.isprintable()
        except ValueError:
            sound = False
        if (
            not sound
            or len(address) > MAX_ADDRESS
            or " " in address
            or parts.query
            or parts.fragment
            or parts.username is not None
        ):
            raise InvalidValueError(
                f"{address[:200]!a} is no address of a folder.", "Write https://HOST/PATH, without ? # and @."
            )
        return cls(f"{address.removesuffix(SUMS).rstrip('/')}/")

    @property
    def shown(self) -> str:
        """Its address."""
        return self._address

    def read(self, name: str, limit: int) -> bytes | None:
        """As any place does; a server that is too slow cannot be reached."""
        with self._sentences(name):
            try:
                with self._opener.open(parse.urljoin(self._address, name), timeout=SILENCE) as answer:
                    return self._received(answer, name, limit)
            except error.HTTPError as refused:
                with refused:
                    if refused.code in {404, 410}:
                        return None
                raise

    def _received(self, answer: Any, name: str, limit: int) -> bytes:
        promised = answer.headers.get("Content-Length", "")
        if promised.isdecimal() and int(promised) > limit:
            raise self._too_large(name, limit)
        started, data = time.monotonic(), bytearray()
        while piece := answer.read1(_PIECE):
            data += piece
            if len(data) > limit:
                raise self._too_large(name, limit)
            if time.monotonic() - started > START + len(data) / SLOWEST:
                raise TimeoutError("it is too slow")
        if promised.isdecimal() and len(data) != int(promised):
            raise ConnectionError("it broke off")
        return bytes(data)

    def _too_large(self, name: str, limit: int) -> CorruptArtifactError:
        return CorruptArtifactError(
            f"{name} of {printable(self.shown)} is larger than {limit:,} bytes.", "Nothing was imported."
        )

    @contextmanager
    def _sentences(self, name: str) -> Iterator[None]:
        try:
            yield
        except error.HTTPError as refused:
            said = f"the server says {refused.code}"
            raise NotFoundError(f"Cannot get {name} of {printable(self.shown)}: {said}.", _HINT) from refused
        except (OSError, http.client.HTTPException, ValueError) as failure:  # ValueError: a redirect to nowhere
            reason = getattr(failure, "reason", None) or getattr(failure, "strerror", None) or failure
            said = printable(str(reason))[:200] or type(failure).__name__
            raise NotFoundError(f"Cannot get {name} of {printable(self.shown)}: {said}.", _HINT) from failure


class _Redirects(request.HTTPRedirectHandler):
    """Follows to the same scheme or a safer one, and leaves no connection open where it does not."""

    def http_error_302(self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: Any) -> Any:
        try:
            target = parse.urljoin(req.full_url, headers.get("Location", ""))
            if parse.urlsplit(target).scheme not in {"https", req.type}:
                raise error.URLError("it leads to another kind of address")
            return super().http_error_302(req, fp, code, msg, headers)
        except BaseException:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302
