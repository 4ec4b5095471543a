"""Tasks carried out to the end: those whose worker was lost are done again, as far as they were not done."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from attrbank.executors.protocol import Ended, Executor, Hear, Job, Task

TRIES = 3
"""How often a task is begun."""


def the_same(task: Task) -> Task:
    """What is left of a task of which no part is of use by itself: all of it."""
    return task


@dataclass
class Carrier:
    """Has tasks done, by whatever executor.

    Attributes:
        executor: who does them.
        job: what they have in common.
        left: what is left of a task that was lost; None if nothing is.
        running: how many are being done.
        again: how many had to be done again.
    """

    executor: Executor
    job: Job
    left: Callable[[Task], Task | None] = the_same
    running: int = field(default=0, init=False)
    again: int = field(default=0, init=False)
    _lost: deque[Task] = field(default_factory=deque, init=False)
    _tries: Counter[int] = field(default_factory=Counter, init=False)

    def __call__(self, tasks: Iterable[Task], hear: Hear) -> Iterator[Ended]:
        """Do them all, and say of each when it has ended for good: done, or lost with every try.

        Raises:
            AttrbankError: as ``Executor.run`` does; and whatever ``hear`` does, which ends all.
        """
        coming = iter(tasks)

        def take() -> Task | None:
            task = self._lost.popleft() if self._lost else next(coming, None)
            self.running += task is not None
            return task

        with closing(self.executor.run(self.job, take, hear)) as ended:
            for end in ended:
                self.running -= 1
                if end.lost is None or not self._once_more(end.task):
                    yield end

    def _once_more(self, task: Task) -> bool:
        self._tries[task.number] += 1
        left = self.left(task) if self._tries[task.number] < TRIES else None
        if left is not None:
            self._lost.append(left)
            self.again += 1
        return left is not None
