"""Work spread over processes: renders and captions are made by the CPU while a GPU would wait for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

Job = TypeVar("Job")
Done = TypeVar("Done")


def spread(work: Callable[[Job], Done], jobs: Sequence[Job], workers: int | None = None) -> Iterator[Done]:
    """``work`` of each job, in the order of the jobs, as they become ready.

    Args:
        work: a function of a module; it and what it returns are sent between processes.
        jobs: what it is called with.
        workers: how many processes; as many as there are cores if not given. One job or worker needs no process.
    """
    count = min(len(jobs), os.cpu_count() or 1 if workers is None else workers)
    if count <= 1:
        yield from map(work, jobs)
        return
    context = get_context("spawn")  # a fork would inherit the GPU and locks of torch's threads
    with ProcessPoolExecutor(count, context, torch.set_num_threads, (1,)) as pool:
        yield from pool.map(work, jobs)
