"""Tabs of the page: of each, the newest wish counts, and what it supersedes is given up."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

MOST = 64


class SupersededError(Exception):
    """The same tab wants something else by now."""


class Tabs:
    """What each tab has asked for last; of too many, those that have been silent longest are forgotten."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def asks(self, tab: str, number: int) -> None:
        """A tab has a new wish.

        Raises:
            SupersededError: a later one came first.
        """
        with self._lock:
            if number < self._newest.get(tab, 0):
                raise SupersededError
            self._newest[tab] = number
            self._newest.move_to_end(tab)
            while len(self._newest) > MOST:
                self._newest.popitem(last=False)

    def check(self, tab: str, number: int) -> None:
        """Does nothing while this is the tab's newest wish.

        Raises:
            SupersededError: it no longer is.
        """
        if self._newest.get(tab, number) > number:
            raise SupersededError

    def watching(self, tab: str, number: int, *, once: bool) -> Callable[[int, int], None]:
        """An ``on_step`` that gives up a run when its tab wants another.

        Args:
            tab: whose run it is.
            number: of the wish.
            once: look at the first step alone: what has begun is so short that it may as well be shown.
        """
        begun = False

        def on_step(done: int, total: int) -> None:
            nonlocal begun
            if not (once and begun):
                self.check(tab, number)
            begun = True

        return on_step
