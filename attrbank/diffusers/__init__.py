"""Where attrbank and diffusers meet: its schedulers as our samplers, our attributes in its pipelines.

Both names are imported on first use, so that a plugin can name a scheduler without loading diffusers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attrbank.diffusers.callback import AttributeCallback as AttributeCallback
    from attrbank.diffusers.scheduler_sampler import SchedulerSampler as SchedulerSampler

_HOME_OF = {
    "AttributeCallback": "attrbank.diffusers.callback",
    "SchedulerSampler": "attrbank.diffusers.scheduler_sampler",
}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 — the table above is the list


def __getattr__(name: str) -> Any:
    """The public object of that name, imported now (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'attrbank.diffusers' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
