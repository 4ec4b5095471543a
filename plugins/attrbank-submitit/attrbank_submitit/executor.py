"""Every task is a job, and what it tells it writes to a file, which is read here while it grows."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import submitit

from attrbank.plugin import Ended, Hear, InvalidValueError, Job, Take, Task
from attrbank_submitit.spool import Spool, done

LOCAL = "local"

PAUSE = 0.2
"""Seconds between two looks at what jobs have told."""

GRACE = 20.0
"""Seconds that jobs which are to end are waited for."""

MINUTES, SLURM_AT_ONCE = 24 * 60, 64
"""How long a job may take, and how many of Slurm there are at once."""


class _Running(NamedTuple):
    """A task and its job."""

    task: Task
    job: Any
    spool: Spool


class Submitit:
    """The executor ``submitit``.

    Args:
        argument: a folder on a disk that this machine and all nodes see, for jobs of Slurm; ``local`` or None for
            processes of this machine.

    Raises:
        InvalidValueError: there is no such folder.
    """

    def __init__(self, argument: str | None = None) -> None:
        self._folder = None if argument in (None, LOCAL) else Path(argument or "")
        if self._folder is not None and not self._folder.is_dir():
            raise InvalidValueError(
                f"There is no folder {str(self._folder)!r} for jobs.", hint="Write submitit:FOLDER, or submitit:local."
            )
        self._most = (os.cpu_count() or 1) if self._folder is None else SLURM_AT_ONCE

    def run(self, job: Job, take: Take, hear: Hear) -> Generator[Ended, None, None]:
        """Submit what there is room for, and hear what it tells; when this ends, so do all jobs."""
        folder = Path(tempfile.mkdtemp(prefix="attrbank-", dir=self._folder))
        executor = submitit.AutoExecutor(folder=folder / "jobs", cluster="slurm" if self._folder else LOCAL)
        executor.update_parameters(timeout_min=MINUTES, **({"slurm_gpus_per_task": 1} if self._folder else {}))
        running: list[_Running] = []
        try:
            while True:
                while len(running) < self._most and (task := take()) is not None:
                    spool = Spool(folder / f"{task.number}-{time.monotonic_ns()}")
                    running.append(_Running(task, executor.submit(done, job, task.payload, spool.path), spool))
                if not running:
                    return
                for one in list(running):
                    over = one.job.done()  # asked first, so that nothing is told after what is read
                    for message in one.spool.told():
                        hear(one.task, message)
                    if over:
                        running.remove(one)
                        one.spool.path.unlink(missing_ok=True)
                        yield Ended(one.task, _why_lost(one.job))
                time.sleep(PAUSE)
        finally:
            _cancel([one.job for one in running])
            shutil.rmtree(folder, ignore_errors=True)


def _cancel(jobs: Sequence[Any]) -> None:
    """Have jobs end, and wait until they have."""
    for job in jobs:
        with suppress(Exception):  # it may have ended this moment
            job.cancel()
    until = time.monotonic() + GRACE
    while time.monotonic() < until and not all(job.done() for job in jobs):
        time.sleep(PAUSE)


def _why_lost(job: Any) -> str | None:
    """None if a job is done."""
    try:
        failure: str | None = job.result()
    except Exception as error:  # whatever Slurm, or submitit, makes of a job that did not end by itself
        return f"its job was lost ({str(error).strip().partition(chr(10))[0][:200]})"
    return failure
