"""Tasks are carried out to the end, and those whose worker is lost are done again, as far as they were not done."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from attrbank.errors import CorruptArtifactError
from attrbank.executors.carrying import TRIES, Carrier
from attrbank.executors.here import Here
from attrbank.executors.protocol import Ended, Hear, Job, Take, Task
from attrbank.executors.trial import TARGET
from attrbank.schema.told import Told, framed, unframed

JOB = Job(TARGET, b"")


class Losing:
    """Loses a task as often as is said of its number."""

    def __init__(self, losses: dict[int, int]) -> None:
        self.losses, self.begun, self.closed = losses, list[Task](), False

    def run(self, job: Job, take: Take, hear: Hear) -> Generator[Ended, None, None]:
        try:
            while (task := take()) is not None:
                self.begun.append(task)
                self.losses[task.number] = self.losses.get(task.number, 0) - 1
                yield Ended(task, "its worker was lost" if self.losses[task.number] >= 0 else None)
        finally:
            self.closed = True


def tasks(count: int) -> list[Task]:
    return [Task(number, b"ab") for number in range(count)]


def test_a_lost_task_is_begun_again_and_only_for_so_long() -> None:
    executor = Losing({1: 1, 2: 99})
    carrier = Carrier(executor, JOB)
    ended = {end.task.number: end.lost for end in carrier(tasks(4), lambda task, message: None)}
    assert ended == {0: None, 1: None, 2: "its worker was lost", 3: None}
    assert [task.number for task in executor.begun].count(2) == TRIES
    assert (carrier.again, carrier.running) == (TRIES, 0)


def test_what_is_left_of_a_lost_task_is_done_and_nothing_else() -> None:
    executor = Losing({0: 1})
    carrier = Carrier(executor, JOB, left=lambda task: Task(task.number, task.payload[1:]))
    list(carrier(tasks(1), lambda task, message: None))
    assert [task.payload for task in executor.begun] == [b"ab", b"b"]


def test_a_lost_task_of_which_nothing_is_left_has_ended() -> None:
    carrier = Carrier(Losing({0: 1}), JOB, left=lambda task: None)
    assert [end.lost for end in carrier(tasks(1), lambda task, message: None)] == ["its worker was lost"]


def test_an_interrupted_client_closes_the_executor() -> None:
    executor = Losing({})
    run = Carrier(executor, JOB)(tasks(3), lambda task, message: None)
    next(run)
    run.close()
    assert executor.closed


def test_tasks_are_taken_one_by_one() -> None:
    taken = 0

    def endless() -> Generator[Task, None, None]:
        nonlocal taken
        while True:
            taken += 1
            yield Task(taken, b"")

    heard: list[bytes] = []
    run = Carrier(Here(), JOB)(endless(), lambda task, message: heard.append(message))
    next(run), next(run)
    assert (taken, heard) == (2, [b""] * 4)


def test_a_message_is_read_as_it_was_told_and_nothing_else_is() -> None:
    told = Told(said="made", of=3, text="a\nb", done=2)
    assert unframed(framed(told, b"\n\0x")) == (told, b"\n\0x")
    for strange in (b"", b"{}", b"{}\n", b'{"said":"made","of":-1}\n', b'{"said":"told"}\n', b"\xff\n"):
        with pytest.raises(CorruptArtifactError, match="cannot be understood"):
            unframed(strange)
