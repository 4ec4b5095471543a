"""Workers of a Ray cluster: one of this machine's own, started for the run, or one that is there (``ray:ADDRESS``).

Of Ray only actors are used. A worker is an actor; it does its work in a thread, so that what that tells can be fetched
while it goes on. Nothing is reported to Ray's makers, no dashboard is started, and no logs come here.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NamedTuple

from attrbank.errors import AttrbankError, PluginError
from attrbank.executors.protocol import Ended, Hear, Job, Take, Task

PAUSE = 0.2
"""Seconds for which a worker collects what its work tells before it is fetched."""

PATIENCE = 300.0
"""Seconds without any worker after which none is waited for."""

MOST_STILLBORN = 8
"""So many workers may be lost before they were ready."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


class Heard(NamedTuple):
    """What a worker has told since it was asked last.

    Attributes:
        messages: of its work.
        over: whether the task is done.
        failure: what its work raised.
    """

    messages: list[bytes]
    over: bool
    failure: str | None


class Worker:
    """What runs as an actor; one task at a time."""

    def __init__(self, job: Job) -> None:
        self._job, self._told = job, queue.SimpleQueue[bytes | Heard]()
        self._work: Any = None

    def arrive(self) -> str | None:
        """Become like the client; why that is not possible, if it is not."""
        try:
            self._work = self._job.arrived()
        except AttrbankError as error:
            return error.message
        except BaseException as error:
            return f"A worker cannot begin: {type(error).__name__}: {error}"
        return None

    def begin(self, payload: bytes) -> Heard:
        """Begin a task, and tell of it as ``go_on``."""
        threading.Thread(target=self._do, args=(payload,), daemon=True).start()
        return self.go_on()

    def go_on(self) -> Heard:
        """What has been told; waits until there is something, and then a little for more."""
        messages: list[bytes] = []
        until: float | None = None
        while True:
            with suppress(queue.Empty):
                told = self._told.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
                if isinstance(told, Heard):
                    return told._replace(messages=messages)
                messages.append(told)
            until = until or time.monotonic() + PAUSE
            if time.monotonic() >= until:
                return Heard(messages, over=False, failure=None)

    def _do(self, payload: bytes) -> None:
        failure = None
        try:
            self._work(payload, self._told.put)
        except BaseException as error:  # whatever it is, the client is told
            failure = f"{type(error).__name__}: {error}"
        self._told.put(Heard([], over=True, failure=failure))


class Ray:
    """The executor ``ray``.

    Args:
        address: of a cluster, as Ray writes it; None starts one on this machine, with a worker for each of its cores.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def run(self, job: Job, take: Take, hear: Hear) -> Generator[Ended, None, None]:
        """As ``Executor`` has it.

        Raises:
            PluginError: Ray is not installed, the cluster cannot be reached, or no worker of it answers.
            AttrbankError: its workers cannot do the job.
        """
        with _connected(self._address) as ray, _crew(ray, job) as crew:
            yield from crew.run(take, hear)


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    os.environ |= QUIET
    try:
        import ray
    except ImportError as error:
        raise PluginError("Ray is not installed.", hint="pip install 'attrbank[ray]'") from error
    mine = not ray.is_initialized()
    with _killed_as_before():
        if mine:
            _connect(ray, address)
        try:
            yield ray
        finally:
            if mine:
                ray.shutdown()


def _connect(ray: Any, address: str | None) -> None:
    try:
        ray.init(address=address or "local", include_dashboard=False, log_to_driver=False, logging_level="error")
    except Exception as error:  # Ray has a dozen of its own, and takes those of the network as they are
        reason = str(error).partition("\n")[0]
        hint = "A cluster that asks for a token, as Ray's own do, is reached with RAY_AUTH_MODE=token."
        raise PluginError(f"The Ray cluster cannot be reached: {reason}", hint) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextmanager
def _killed_as_before() -> Iterator[None]:
    """Give back what a kill does to the process, which Ray takes for good, to end it with exit code 15."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():  # Ray leaves it alone elsewhere
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _crew(ray: Any, job: Job) -> Iterator[_Crew]:
    crew = _Crew(ray, job)
    try:
        yield crew
    finally:
        crew.dismiss()


class _Crew:
    """The workers of a run, and what each was asked last."""

    def __init__(self, ray: Any, job: Job) -> None:
        self._ray, self._job = ray, ray.put(job)
        found = ray.cluster_resources()
        each = "GPU" if found.get("GPU", 0) >= 1 else "CPU"
        options = {"num_gpus": 1, "num_cpus": 0} if each == "GPU" else {"num_cpus": 1}
        self._kind = ray.remote(Worker).options(**options)
        self._asked: dict[Any, tuple[Any, Task | None]] = {}
        """What was asked -> the worker, and the task that it does; none while it arrives."""
        self._engaged: list[Any] = []
        self._idle: list[Any] = []
        self._stillborn = 0
        for _ in range(max(1, int(found.get(each, 1)))):
            self._engage()

    def run(self, take: Take, hear: Hear) -> Generator[Ended, None, None]:
        since = time.monotonic()
        while True:
            while self._idle and (task := take()) is not None:
                worker = self._idle.pop()
                self._asked[worker.begin.remote(task.payload)] = worker, task
            if not self._at_work and self._idle:
                return
            ready, _ = self._ray.wait(list(self._asked), num_returns=1, timeout=1.0)
            if self._idle or self._at_work:
                since = time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise PluginError(f"No worker of the Ray cluster has answered for {PATIENCE:g} s.")
            for asked in ready:
                yield from self._answered(asked, hear)

    @property
    def _at_work(self) -> bool:
        return any(task is not None for _, task in self._asked.values())

    def dismiss(self) -> None:
        """Stop all workers, whatever they do."""
        for worker in self._engaged:
            self._ray.kill(worker)

    def _engage(self) -> None:
        worker = self._kind.remote(self._job)
        self._engaged.append(worker)
        self._asked[worker.arrive.remote()] = worker, None

    def _answered(self, asked: Any, hear: Hear) -> Iterator[Ended]:
        worker, task = self._asked.pop(asked)
        try:
            told = self._ray.get(asked)
        except self._ray.exceptions.RayError as error:
            self._engaged.remove(worker)
            self._stillborn += task is None
            if self._stillborn > MOST_STILLBORN:
                raise PluginError("Workers of the Ray cluster end as soon as they begin.") from error
            self._engage()
            if task is not None:
                yield Ended(task, "its worker was lost")
            return
        if task is None:
            if told is not None:
                raise PluginError(told)
            self._idle.append(worker)
            return
        for message in told.messages:
            hear(task, message)
        if told.over:
            self._idle.append(worker)
            yield Ended(task, told.failure)
        else:
            self._asked[worker.go_on.remote()] = worker, task
