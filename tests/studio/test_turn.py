"""Whose turn it is: one thread at a time, in order, and a long one gives way."""

from __future__ import annotations

import threading
import time

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
