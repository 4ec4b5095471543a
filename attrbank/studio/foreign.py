"""Errors of others, made ours: whoever calls attrbank has one kind of exception to catch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrbank.errors import AttrbankError, StorageError
from attrbank.plugins.guard import blamed
from attrbank.plugins.manager import load_plugins
from attrbank.text import printable


class Listener:
    """A caller's callback; what it raises, such as to end a run, goes back to the caller as it is.

    Args:
        callback: to be called.
    """

    def __init__(self, callback: Callable[..., None]) -> None:
        self._callback = callback
        self.raised: BaseException | None = None

    def __call__(self, *told: Any) -> None:
        """Tell the caller."""
        try:
            self._callback(*told)
        except BaseException as error:
            self.raised = error
            raise


@contextmanager
def only_our_errors(listener: Listener | None = None) -> Iterator[None]:
    """Turn what comes out of torch, the system or a plugin into an ``AttrbankError`` with the first as its cause.

    Raises:
        StorageError: the system refused a file.
        PluginError: it arose in a plugin.
        AttrbankError: memory ran out, or it is a bug.
    """
    try:
        yield
    except (AttrbankError, Warning):  # warnings are errors where the caller wants them to be
        raise
    except Exception as error:
        if listener is not None and error is listener.raised:
            raise
        raise _ours(error) from error


def _ours(error: Exception) -> AttrbankError:
    if _is_out_of_memory(error):
        return AttrbankError("There is not enough memory.", hint="A lower dtype, or offload=True, needs less.")
    if in_plugin := blamed(error, load_plugins().plugins):
        return in_plugin
    if isinstance(error, OSError):
        return StorageError(f"A file cannot be used: {printable(str(error))}.")
    return AttrbankError(f"This is a bug: {type(error).__name__}: {printable(str(error))}")


def _is_out_of_memory(error: Exception) -> bool:
    """Torch has a kind of error for accelerators, and for the CPU a sentence."""
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or "can't allocate memory" in str(error)
