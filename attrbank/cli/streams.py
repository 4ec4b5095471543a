"""Standard streams of this process that are closed, full or gone, as the command line meets them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from attrbank.errors import StorageError


def prepare() -> None:
    """Stand before both streams of this process: data that cannot be written is an error, talk is not."""
    for descriptor in range(3):  # else the next file that is opened, such as an index, would stand in its place
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal need not know every Δ
    sys.stdout = Data(sys.stdout)
    sys.stderr = Talk(sys.stderr)


def finish() -> None:
    """To be called last: a stream that failed has been told of, and the interpreter flushes it no more."""
    if isinstance(sys.stdout, Data) and sys.stdout.failure is not None:
        sys.stdout = None


class _Stream:
    """A text stream, or None where its descriptor is closed; whatever else is asked of it, it is that stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        """Whether it leads to a terminal."""
        return self._stream is not None and bool(self._stream.isatty())


class Data(_Stream):
    """``stdout``.

    Raises:
        StorageError: from every method, what was to be said cannot be written. A reader that has gone is left to
            ``BrokenPipeError``.

    Attributes:
        failure: the first, after which nothing more is written.
    """

    failure: StorageError | None = None

    def write(self, text: str) -> int:
        """Write text."""
        return int(self._attempt("write", text) or 0)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        for line in lines:
            self._attempt("write", line)

    def flush(self) -> None:
        """Hand on what is held back."""
        if self._stream is not None:
            self._attempt("flush")

    def _attempt(self, method: str, *arguments: str) -> Any:
        if self.failure is not None:
            raise self.failure
        try:
            return getattr(self._stream, method)(*arguments)
        except BrokenPipeError:
            raise
        except (OSError, ValueError, AttributeError) as error:
            self._give_up()
            reason = "it is closed" if self._stream is None else getattr(error, "strerror", None) or error
            self.failure = StorageError(f"The output cannot be written: {reason}.", "Give it a place that has room.")
            raise self.failure from error

    def _give_up(self) -> None:
        """Let what is held back go nowhere, so that the interpreter's last flush has nothing to complain of."""
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


class Talk(_Stream):
    """``stderr``, of which nothing depends."""

    def write(self, text: str) -> int:
        """Write text if that is possible."""
        with suppress(OSError, ValueError, AttributeError):
            return int(self._stream.write(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts if that is possible."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what is held back if that is possible."""
        with suppress(OSError, ValueError, AttributeError):
            self._stream.flush()
