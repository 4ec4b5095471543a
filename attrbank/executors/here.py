"""The executor that everybody has: one task after the other, in this process."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

from attrbank.executors.protocol import Ended, Hear, Job, Take, Work


class Here:
    """Does tasks as they are taken; what their work raises is raised here.

    Args:
        work: what does them, if it is there already.
    """

    def __init__(self, work: Work | None = None) -> None:
        self._work = work

    def run(self, job: Job, take: Take, hear: Hear) -> Generator[Ended, None, None]:
        """As ``Executor`` has it."""
        work = self._work or job.made()
        while (task := take()) is not None:
            work(task.payload, partial(hear, task))
            yield Ended(task)
