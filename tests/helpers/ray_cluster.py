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


@contextmanager
def cluster() -> Iterator[str]:
    """The address of one, as long as it is wanted."""
    command = [sys.executable, "-m", "tests.helpers.ray_cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.communicate("")


def main() -> None:
    os.environ |= QUIET
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    print(ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
    ray.shutdown()


if __name__ == "__main__":
    main()
