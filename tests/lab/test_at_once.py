"""Jobs run some at a time, in the order of what they need."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lab.at_once import done_of

NEEDS = {"last": ["first", "elsewhere"], "first": [], "other": [], "beyond": ["last"]}


def noting(order: list[str], failing: str = "") -> Callable[[str], bool]:
    def do(job: str) -> bool:
        order.append(job)
        return job != failing

    return do


def test_a_job_comes_after_those_that_it_needs() -> None:
    order = list[str]()
    assert done_of(NEEDS, noting(order), 1) == {"first", "other", "last", "beyond"}
    assert order.index("first") < order.index("last") < order.index("beyond")


def test_what_needs_a_job_that_failed_is_left_and_others_go_on() -> None:
    order = list[str]()
    assert done_of(NEEDS, noting(order, "first"), 2) == {"other"}
    assert sorted(order) == ["first", "other"]


def test_two_run_at_a_time_and_no_more() -> None:
    both, most, running = threading.Barrier(2, timeout=20), 0, 0
    lock = threading.Lock()

    def do(job: str) -> bool:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        both.wait()  # one alone would wait in vain
        with lock:
            running -= 1
        return True

    assert len(done_of({str(number): () for number in range(6)}, do, 2)) == 6
    assert most == 2


def test_one_that_is_interrupted_begins_nothing_more() -> None:
    begun = list[str]()

    def do(job: str) -> bool:
        begun.append(job)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        done_of({str(number): () for number in range(6)}, do, 1)
    assert len(begun) < 6


def test_needs_that_go_round_are_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        done_of({"one": ["two"], "two": ["one"]}, lambda job: True, 2)
