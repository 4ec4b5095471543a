"""Whose turn it is: one thread at a time, in order, and a long one gives way."""

from __future__ import annotations

import threading
import time
from unittest.mock import patch

import pytest

from attrbank.studio.turn import Turn


def waiting(turn: Turn, count: int) -> None:
    """Return when so many threads stand in line, the one at work included."""
    deadline = time.monotonic() + 10
    while len(turn._line) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_whoever_works_long_lets_those_who_wait_go_first_and_then_goes_on() -> None:
    turn, done = Turn(), list[str]()

    def short(name: str) -> None:
        with turn:
            done.append(name)

    with turn:
        threads = [threading.Thread(target=short, args=(name,)) for name in ("one", "two")]
        for count, thread in enumerate(threads, start=2):
            thread.start()
            waiting(turn, count)
        done.append("before")
        turn.give_way()
        done.append("after")
    for thread in threads:
        thread.join()
    assert done == ["before", "one", "two", "after"]


def test_a_turn_within_a_turn_is_given_up_only_with_the_outer_one() -> None:
    turn, done = Turn(), list[str]()

    def short() -> None:
        with turn:
            done.append("other")

    with turn:
        thread = threading.Thread(target=short)
        with turn:
            thread.start()
            waiting(turn, 2)
            turn.give_way()  # of somebody who counts on being alone until the outer turn ends
        done.append("mine")
    thread.join()
    assert done == ["mine", "other"]


def test_an_error_gives_the_turn_up() -> None:
    turn = Turn()
    try:
        with turn:
            raise ValueError
    except ValueError:
        pass
    assert not turn._line


@pytest.mark.parametrize("works", [False, True])
def test_who_is_interrupted_while_others_have_the_turn_leaves_the_line(works: bool) -> None:
    turn, release = Turn(), threading.Event()

    def other() -> None:
        with turn:
            release.wait(10)

    thread = threading.Thread(target=other)

    def interrupted() -> None:
        if not works:
            thread.start()
            waiting(turn, 1)
        with turn:
            thread.start()
            waiting(turn, 2)
            turn.give_way()

    with patch.object(turn._changed, "wait_for", interrupting(turn._changed.wait_for)):
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        release.set()
        thread.join(10)
    assert not turn._line
    with turn:
        pass


def interrupting(wait_for):
    """Waits as before, but who would have to wait in the main thread is interrupted by Ctrl-C."""

    def wait(condition):
        if threading.current_thread() is threading.main_thread() and not condition():
            raise KeyboardInterrupt
        return wait_for(condition)

    return wait
