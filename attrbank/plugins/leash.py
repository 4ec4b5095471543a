"""While a plugin is loaded it may neither take for ever nor end the process: whoever asked something is still there."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from attrbank.errors import PluginError

LOADING_SECONDS = 20.0
"""How long loading one plugin may take; longer than importing torch from a slow disk."""


@contextmanager
def leash() -> Iterator[None]:
    """Raise in the plugin's code when its time is up or when it ends the process, so that it is only left out.

    Time is kept where the system has alarms, in the main thread, and only if nobody else waits for one.

    Raises:
        PluginError: it hangs, or calls ``os._exit``.
    """
    leave, os._exit = os._exit, _refuse_exit
    alarm = _set_alarm()
    try:
        yield
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        os._exit = leave


def _set_alarm() -> bool:
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    if signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        return False
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, LOADING_SECONDS)
    return True


def _time_is_up(_number: int, _frame: FrameType | None) -> NoReturn:
    raise PluginError(f"it takes longer than {LOADING_SECONDS:g} s to load")


def _refuse_exit(status: int = 0) -> NoReturn:
    raise PluginError(f"it ends the process with status {status} while it is loaded")
