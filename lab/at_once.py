"""Jobs that need others done before, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter


def done_of(needs: Mapping[str, Collection[str]], do: Callable[[str], bool], at_once: int) -> set[str]:
    """Do jobs, those that are named first first, and return which were done; what needs one that was not is left.

    Args:
        needs: for each job, which others come before it; those that are no jobs themselves are taken as done.
        do: does one, in a thread of its own, and says whether it is done.
        at_once: how many run at a time.
    """
    sorter = TopologicalSorter({job: [other for other in before if other in needs] for job, before in needs.items()})
    sorter.prepare()
    done, running = set[str](), dict[Future[bool], str]()
    pool = ThreadPoolExecutor(at_once)
    try:
        while True:
            running |= {pool.submit(do, job): job for job in sorter.get_ready()}
            if not running:
                return done
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(ended)
                if ended.result():
                    done.add(job)
                    sorter.done(job)
    finally:
        pool.shutdown(cancel_futures=True)  # one that was interrupted begins nothing more
