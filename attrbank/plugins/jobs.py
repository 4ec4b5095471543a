"""What a worker must be told to be like this process, with its plugins."""

from __future__ import annotations

from attrbank.executors.protocol import Job
from attrbank.plugins.manager import load_plugins


def job_of(target: str, common: bytes) -> Job:
    """A job for workers with the plugins, and as many threads, as this process has; arguments as of ``Job``."""
    import torch

    return Job(target, common, load_plugins().selection, torch.get_num_threads())
