"""Taking turns: one thread at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class Turn:
    """A lock that is fair, may be taken again by who has it, and can be lent to those who wait.

    Who works for long, as a learning does, gives way now and then, so that a picture need not wait for its end.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[int] = deque()
        self._depth = 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._changed:
            if self._line and self._line[0] == me:
                self._depth += 1
                return
            self._line.append(me)
            self._wait(me)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            if threading.get_ident() not in self._line:  # it was interrupted while others had the turn
                return
            self._depth -= 1
            if not self._depth:
                self._line.popleft()
                self._changed.notify_all()

    def give_way(self) -> None:
        """Let all who wait by now go first; for who has the turn, and has taken it once."""
        with self._changed:
            if self._depth == 1 and len(self._line) > 1:
                self._line.rotate(-1)
                self._changed.notify_all()
                self._wait(threading.get_ident())

    def _wait(self, me: int) -> None:
        try:
            self._changed.wait_for(lambda: self._line[0] == me)
        except BaseException:  # Ctrl-C: nobody shall wait for who has gone
            self._line.remove(me)
            self._changed.notify_all()
            raise
        self._depth = 1
