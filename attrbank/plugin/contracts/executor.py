"""The promises of an executor."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from attrbank.executors.protocol import Ended, Executor, Job, Task
from attrbank.executors.trial import DIE, LONG, RAISE, TARGET
from attrbank.plugin.contracts.base import Contract, require

COMMON = b"what all have in common\n"


@dataclass
class _Client:
    """Hands out tasks, and hears what is told."""

    waiting: deque[Task]
    taken: int = 0
    heard: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def take(self) -> Task | None:
        if not self.waiting:
            return None
        self.taken += 1
        return self.waiting.popleft()

    def hear(self, task: Task, message: bytes) -> None:
        self.heard[task.number].append(message)


def _client(payloads: Iterable[bytes]) -> _Client:
    return _Client(deque(Task(number, payload) for number, payload in enumerate(payloads)))


class ExecutorContract(Contract):
    """What clients rely on: nothing is lost, nothing is told twice or in another order, and all of it can stop.

    Attributes:
        isolated: whether workers are processes of their own, so that one can be lost.
        many: more tasks than it has room for.
    """

    isolated, many = True, 60

    def make(self) -> Executor:
        """A new executor to test, as its registered target makes it."""
        raise NotImplementedError

    def test_every_task_is_done_once_and_its_messages_come_in_order(self) -> None:
        """Whatever bytes they are."""
        payloads = [b"", b"a\nb\0c", bytes(range(256)) * 4096, *(b"%d" % n for n in range(20))]
        client = _client(payloads)
        ended = self._run(client)
        require(sorted(end.task.number for end in ended) == [*range(len(payloads))], "a task has not ended once")
        require(all(end.lost is None for end in ended), f"a task was lost: {ended}"[:300])
        wanted = {n: [COMMON + payload, payload] for n, payload in enumerate(payloads)}
        require(dict(client.heard) == wanted, "a message was lost, told twice, changed, or came before another")

    def test_few_tasks_are_held_however_many_there_are(self) -> None:
        """One is taken when a worker is free."""
        client, ended, most = _client([b""] * self.many), 0, 0
        for _ in self.subject.run(Job(TARGET, COMMON), client.take, client.hear):
            ended += 1
            most = max(most, client.taken - ended)
        require(ended == self.many, f"{ended} of {self.many} tasks have ended")
        require(most < self.many, f"{most} tasks were taken before they could be done")

    def test_a_task_that_comes_back_is_done_again(self) -> None:
        """Whoever was told that one has ended may have another."""
        client = _client([b"first"])
        run = self.subject.run(Job(TARGET, COMMON), client.take, client.hear)
        next(run)
        client.waiting.append(Task(1, b"second"))
        require([end.task.number for end in run] == [1], "it does not ask again when a task has ended")

    def test_what_the_client_raises_ends_it(self) -> None:
        """Such as that the disk is full."""

        def hear(task: Task, message: bytes) -> None:
            raise ZeroDivisionError

        try:
            list(self.subject.run(Job(TARGET, COMMON), _client([b""] * 3).take, hear))
        except ZeroDivisionError:
            return
        require(False, "it goes on when what hears its messages raises")

    def test_it_can_be_closed(self) -> None:
        """Workers that are at work are not waited for."""
        if not self.isolated:
            return
        client = _client([b"", LONG, LONG, LONG])
        run = self.subject.run(Job(TARGET, COMMON), client.take, client.hear)
        next(run)
        began = time.monotonic()
        run.close()
        require(time.monotonic() - began < 60, "it waits for work that nobody wants any more")

    def test_work_that_raises_is_told_and_stops_no_other(self) -> None:
        """With what it raised."""
        if not self.isolated:
            return
        ended = {end.task.number: end.lost for end in self._run(_client([b"", RAISE, b"", b""]))}
        require("as it was asked to" in (ended.get(1) or ""), f"it does not say what was raised, but {ended.get(1)!r}")
        require([ended.get(n, "") for n in (0, 2, 3)] == [None] * 3, "others were lost with it")

    def test_a_worker_that_dies_is_told_and_stops_no_other(self) -> None:
        """What it had told before counts."""
        if not self.isolated:
            return
        client = _client([b"", DIE, b"", b""])
        ended = {end.task.number: end.lost for end in self._run(client)}
        require(bool(ended.get(1)), "a task whose worker died is not told to be lost")
        require(client.heard[1] == [COMMON + DIE], "what a worker told before it died is lost")
        require([ended.get(n, "") for n in (0, 2, 3)] == [None] * 3, "others were lost with it")

    def _run(self, client: _Client) -> list[Ended]:
        return list(self.subject.run(Job(TARGET, COMMON), client.take, client.hear))
