"""A process that is killed at one of its calls to the system that change something, and at each of them in turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrbank.store.bank import Bank

CALLS = ("replace", "unlink", "mkdir", "link", "write", "fsync")


class Killed(BaseException):
    """Nothing of ours runs after this."""


@contextmanager
def killed_at(number: int) -> Iterator[None]:
    """The call with this number does not happen any more, and none after it."""
    left = [number]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return call(*arguments, **options)

        return act

    patches = [patch.object(os, name, dying(getattr(os, name))) for name in CALLS]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def every_kill(
    folder: Path, begin: Callable[[Bank], Any], act: Callable[[Bank], Any], check: Callable[[Bank, bool], None]
) -> int:
    """Begin a bank anew for every call that ``act`` makes, kill it there, and check; how many kills there were.

    ``check`` is told whether ``act`` came to its end.
    """
    for number in count():
        bank = Bank(folder / str(number))
        begin(bank)
        try:
            with killed_at(number):
                act(bank)
        except Killed:
            check(bank, False)
            continue
        check(bank, True)
        return number
    raise AssertionError
