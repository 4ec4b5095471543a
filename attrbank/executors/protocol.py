"""What an executor is given, and what it promises: tasks as bytes, done by workers that keep what they have loaded.

Nothing but texts and bytes goes out, and nothing but bytes comes back: what they mean is between the job's work and
whoever hears it (``schema/told.py``).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

from attrbank.errors import IncompatibleError
from attrbank.names import VERSION

Tell: TypeAlias = Callable[[bytes], None]
"""Sends one message to the client while the work goes on."""

Work: TypeAlias = Callable[[bytes, Tell], None]
"""Does one task, given its payload; a worker calls the same one for task after task."""

HANDED_ON = ("ATTRBANK_", "OMP_", "MKL_", "HF_HUB_OFFLINE")
"""What of the client's environment workers have as well begins so: no token, no device, and not the bank."""


def _handed_on() -> tuple[tuple[str, str], ...]:
    return tuple((k, v) for k, v in sorted(os.environ.items()) if k.startswith(HANDED_ON) and k != "ATTRBANK_BANK")


@dataclass(frozen=True)
class Job:
    """What all tasks of a run have in common; everything that a worker must know to be like the client.

    Attributes:
        target: ``module:object``, called with ``common`` once a worker, which gives the ``Work``.
        common: what it is called with.
        plugins: those that the client has loaded, as ``ATTRBANK_PLUGINS`` names them.
        threads: of torch, which are as many everywhere because another number may make other bits; None leaves them.
        version: of the client's attrbank.
        folder: where paths that are not absolute begin.
        path: where the client finds modules.
        environment: of the client, as far as it is handed on.
    """

    target: str
    common: bytes
    plugins: str = "none"
    threads: int | None = None
    version: str = VERSION
    folder: str = field(default_factory=os.getcwd)
    path: tuple[str, ...] = field(default_factory=lambda: tuple(sys.path))
    environment: tuple[tuple[str, str], ...] = field(default_factory=_handed_on)

    def made(self) -> Work:
        """The work, in a process that is fit for it."""
        module, _, path = self.target.partition(":")
        factory: Any = importlib.import_module(module)
        for name in path.split("."):
            factory = getattr(factory, name)
        work: Work = factory(self.common)
        return work

    def arrived(self) -> Work:
        """The work, in a process of its own that becomes like the client's before it loads anything.

        Raises:
            IncompatibleError: another attrbank is installed here.
        """
        if self.version != VERSION:
            raise IncompatibleError(
                f"A worker has attrbank {VERSION}, not {self.version}.", hint="Install the same everywhere."
            )
        os.environ.update(self.environment)
        os.environ["ATTRBANK_PLUGINS"] = self.plugins
        if self.folder not in self.path and self.folder in sys.path:
            sys.path.remove(self.folder)  # engines put the client's folder there, from which nothing is to be imported
        if os.path.isdir(self.folder):
            os.chdir(self.folder)
        if self.threads is not None:
            import torch

            torch.set_num_threads(self.threads)
        return self.made()


class Task(NamedTuple):
    """A part of a job.

    Attributes:
        number: by which it is known.
        payload: what the work is given.
    """

    number: int
    payload: bytes


class Ended(NamedTuple):
    """A task that no worker does any more.

    Attributes:
        lost: why it is not done, as a part of a sentence; None if it is.
    """

    task: Task
    lost: str | None = None


Take: TypeAlias = Callable[[], Task | None]
"""The next task; None if there is none now, which may change after each ``Ended``."""

Hear: TypeAlias = Callable[[Task, bytes], None]
"""Given every message of a task, in order, in the thread that asks ``Executor.run`` for what has ended."""


class Executor(Protocol):
    """Does tasks. Nothing is promised of the order of tasks; the messages of each come in their own."""

    def run(self, job: Job, take: Take, hear: Hear) -> Generator[Ended, None, None]:
        """Do all tasks, and say of each when it has ended.

        One is taken when a worker is free, so that however many there are, few are held. A task whose worker is lost,
        or whose work raises, has ended; whether it is done again is for the client to say, who lets it be taken
        again. It returns when no task is left and all have ended. When it is closed, or when ``hear`` raises, all
        workers stop.

        Raises:
            AttrbankError: there are no workers, or they cannot do this job.
        """
