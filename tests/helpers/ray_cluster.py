"""A Ray cluster of two workers in a process of its own: ``python -m tests.helpers.ray_cluster`` tells its address.

It ends with its standard input.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from attrbank.executors.on_ray import QUIET

TRIES = 4
"""Ray gives its own processes half a minute to start, which a busy machine may not."""


class Cluster(NamedTuple):
    """One that runs.

    Attributes:
        address: as Ray writes it.
        pid: of the process that started all of its processes.
    """

    address: str
    pid: int

    def workers(self) -> Iterator[int]:
        """The processes of its workers, and of no other cluster's."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                is_worker = (folder / "cmdline").read_bytes().startswith(b"ray::Worker")
                if is_worker and self.pid in _ancestors(int(folder.name)):
                    yield int(folder.name)
            except OSError:  # it has ended
                continue


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid


@contextmanager
def cluster() -> Iterator[Cluster]:
    """One, as long as it is wanted; tests are skipped where Ray cannot start in time."""
    command = [sys.executable, "-m", "tests.helpers.ray_cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        if not address:
            pytest.skip("Ray did not start its processes in half a minute, which is all that it gives them")
        yield Cluster(address, process.pid)
        process.communicate("")


def main() -> None:
    os.environ |= QUIET
    import ray

    for further in range(TRIES - 1, -1, -1):
        try:
            ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
            break
        except Exception:
            ray.shutdown()
            if not further:
                raise
    print(ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
    ray.shutdown()


if __name__ == "__main__":
    main()
