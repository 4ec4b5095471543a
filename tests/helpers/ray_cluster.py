"""A Ray cluster of two workers in a process of its own: ``python -m tests.helpers.ray_cluster`` tells its address.

It ends with its standard input.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from attrbank.executors.on_ray import QUIET

TRIES = 4
"""Ray gives its own processes half a minute to start, which a busy machine may not."""


@contextmanager
def cluster() -> Iterator[str]:
    """The address of one, as long as it is wanted."""
    command = [sys.executable, "-m", "tests.helpers.ray_cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address, "Ray did not start"
        yield address
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
