"""The one place where an exception becomes a sentence on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import typer

from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError
from attrbank.text import printable, quoted

_UsageError: Any = typer.BadParameter.__bases__[0]  # typer exports only this subclass of it


def exit_code_of(error: Exception, corrected: Callable[[], Sequence[str] | None] = lambda: None) -> int:
    """Tell the user what went wrong and return the exit code.

    Args:
        error: what was raised.
        corrected: finds the words of the command line that was meant, if those that were typed are nearly right.

    A foreign exception is a bug in a plugin, which is named, or in attrbank. ``ATTRBANK_DEBUG=1`` shows where any
    error came from.
    """
    if os.environ.get("ATTRBANK_DEBUG") == "1":
        traceback.print_exception(error)
    if isinstance(error, (InvalidValueError, NotFoundError, _UsageError)) and (words := _meant(corrected)):
        found_nothing = error.hint if isinstance(error, NotFoundError) else None
        complaint = error.message if isinstance(error, AttrbankError) else _complaint(error)
        meant = f"Write: {' '.join(map(quoted, ['attrbank', *words]))}"
        return _tell(complaint, meant, getattr(error, "exit_code", 2), found_nothing)
    if isinstance(error, AttrbankError):
        return _tell(error.message, error.hint, error.exit_code)
    if isinstance(error, _UsageError):
        return _tell(_complaint(error), _where_to_read(error), 2)
    if isinstance(error, typer.Abort):
        return _tell("Aborted.", None, 1)
    if plugin_error := _plugin_error(error):
        return _tell(plugin_error.message, plugin_error.hint, plugin_error.exit_code)
    return _tell(f"This is a bug: {type(error).__name__}: {error}", "ATTRBANK_DEBUG=1 shows where it happened.", 1)


def _meant(corrected: Callable[[], Sequence[str] | None]) -> Sequence[str] | None:
    """What was meant; nothing that goes wrong while that is looked for takes the error's place."""
    try:
        return corrected()
    except Exception:
        return None


def _plugin_error(error: Exception) -> AttrbankError | None:
    """The error that blames a plugin, if plugins are loaded and it arose in the code of one."""
    if "attrbank.plugins.manager" not in sys.modules:
        return None
    from attrbank.plugins.guard import blamed
    from attrbank.plugins.manager import load_plugins

    return blamed(error, load_plugins().plugins) if load_plugins.cache_info().currsize else None


def _tell(message: str, hint: str | None, exit_code: int, other: str | None = None) -> int:
    print(f"error: {printable(message)}", file=sys.stderr)
    for text in filter(None, (hint, other)):
        print(f"hint: {printable(text)}", file=sys.stderr)
    return exit_code


def _complaint(error: Any) -> str:
    """The parser's sentence, without the exception name that pydantic puts into it."""
    return str(error.format_message()).replace("Value error, ", "").removeprefix("Invalid value: ")


def _where_to_read(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return f"See {context.command_path if context else 'attrbank'} --help."
