"""Progress on stderr: a bar for eyes, and where there is no terminal nothing, or a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from attrbank.cli import terminal


class Report(Protocol):
    """Is told how far it is."""

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Tell of a stage; ``detail`` is shown with it, and may change as often as it likes."""


EVERY = 10.0
"""Seconds between two lines."""


@contextmanager
def progress_bar(*, lines: bool = False) -> Iterator[Report]:
    """A ``Report`` that tells how far it is, with the time left.

    Args:
        lines: where stderr is no terminal, write a line there every ten seconds, also while nothing is reported.
    """
    if sys.stderr.isatty():
        with _bar() as report:
            yield report
    elif lines:
        with _lines() as report:
            yield report
    else:
        yield lambda stage, done, total, detail="": None


class Pace:
    """How far a stage is, and how long the rest of it will take.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage, self._done, self._total, self._detail = "", 0, 0, ""
        self._since, self._before = clock(), 0

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """What was reported last."""
        if stage != self._stage or done < self._done:
            self._since, self._before = self._clock(), done
        self._stage, self._done, self._total, self._detail = stage, done, total, detail

    def __str__(self) -> str:
        """As ``sampling: 34 %, 1 min 20 s left``; until something is done, how long that takes already."""
        elapsed, won = self._clock() - self._since, self._done - self._before
        what = _with(self._stage or "starting", self._detail)
        if won <= 0:
            return f"{what}: {spoken(elapsed)} so far"
        left = elapsed / won * (self._total - self._done)
        return f"{what}: {100 * self._done // self._total} %, {spoken(left)} left"


def _with(stage: str, detail: str) -> str:
    return f"{stage}, {detail}" if detail else stage


def spoken(seconds: float) -> str:
    """As ``1 min 20 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def _lines() -> Iterator[Report]:
    pace, over = Pace(), threading.Event()

    def tell() -> None:
        with suppress(OSError, ValueError):  # a stream that nobody hears is no reason to stop
            while not over.wait(EVERY):
                terminal.say(str(pace))

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield pace
    finally:
        over.set()
        thread.join()


@contextmanager
def _bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int, detail: str = "") -> None:
            if stage not in tasks:  # each with a pace of its own
                for task in tasks.values():
                    progress.remove_task(task)
                tasks.clear()
                tasks[stage] = progress.add_task(escape(stage), total=None)
            known = None if total == 1 and not done else total  # of a single thing nobody knows how far it is
            what = escape(_with(stage, detail))
            progress.update(tasks[stage], description=what, completed=done, total=known)

        yield report
