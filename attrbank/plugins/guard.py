"""What goes wrong in a plugin, as a warning on stderr or as an error that names it.

``ATTRBANK_STRICT_PLUGINS=1`` turns the warnings into errors, for developers.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterable, Iterator

from attrbank.errors import AttrbankError, PluginError
from attrbank.plugins.discovery import Plugin, Registration, warn
from attrbank.text import printable

SLOW_SECONDS = 2.0
"""A plugin that takes longer to load is named: every command that needs plugins waits for it."""


class Talk(io.BytesIO):
    """What a plugin prints while it is loaded, whatever it does to the ``stdout`` that it finds."""

    def close(self) -> None:
        """Stay readable: a wrapper that the plugin put around it closes it with itself."""

    def as_stdout(self) -> io.TextIOWrapper:
        """In the place of ``sys.stdout``; it can be reconfigured and has a ``buffer``, as that has."""
        return io.TextIOWrapper(self, encoding="utf-8", errors="backslashreplace", write_through=True)

    @property
    def text(self) -> str:
        """All of it, without white space around it."""
        return self.getvalue().decode(errors="replace").strip()


def let_interrupt_through(error: BaseException, loading: Plugin | None = None) -> None:
    """Let Ctrl-C through, and say for which plugin the user has waited; its own kind of interrupt is only a failure."""
    if type(error) is KeyboardInterrupt:
        if loading is not None:
            what = f"interrupted while the plugin {loading.name!r} of {loading.distribution} was loaded"
            warn(f"{what}; ATTRBANK_PLUGINS=none does without plugins; remove: {loading.remedy}")
        raise error


def report_failure(what: str, plugin: Plugin, error: BaseException) -> None:
    """One line that says what failed and how to get rid of the plugin.

    Raises:
        PluginError: instead, if ``ATTRBANK_STRICT_PLUGINS=1``.
    """
    if os.environ.get("ATTRBANK_STRICT_PLUGINS") == "1":
        raise PluginError(f"{what[0].upper()}{what[1:]}: {reason_of(error)}.") from error
    warn(f"{what} ({reason_of(error)}); ATTRBANK_PLUGINS=none does without plugins; remove: {plugin.remedy}")


def report_manners(plugin: Plugin, printed: str) -> None:
    """Name a plugin that is loaded, but that everybody has to wait for, or that talks where data belongs."""
    slow = [f"took {plugin.seconds:.1f} s to load"] if plugin.seconds > SLOW_SECONDS else []
    talks = [f"printed {printable(printed[:60])!r} while it was loaded"] if printed else []
    if slow or talks:
        what = " and ".join([*slow, *talks])
        warn(f"the plugin {plugin.name!r} of {plugin.distribution} {what}; remove: {plugin.remedy}")


@contextlib.contextmanager
def blaming(what: str, registration: Registration) -> Iterator[None]:
    """Turn what a plugin's code raises into a ``PluginError`` that names the plugin; what it prints is talk."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except AttrbankError:
        raise
    except BaseException as error:
        let_interrupt_through(error)
        spec, plugin = registration
        hint = f"Install {plugin.distribution} again" + ("." if plugin.built_in else f", or: {plugin.remedy}")
        raise PluginError(
            f"The {what} {spec.name!r} of {plugin.distribution} failed: {reason_of(error)}.", hint
        ) from error


def blamed(error: BaseException, plugins: Iterable[Plugin]) -> PluginError | None:
    """The error that names the plugin in whose code this one arose; None if it arose in none."""
    owners = {package: plugin for plugin in plugins for package in plugin.packages}
    modules = (str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__))
    found = [owners[package] for package in (name.partition(".")[0] for name in modules) if package in owners]
    if not found:
        return None
    plugin = found[-1]
    return PluginError(
        f"The plugin {plugin.name!r} of {plugin.distribution} failed: {reason_of(error)}.",
        hint=f"Tell its author, or: {plugin.remedy}",
    )


def reason_of(error: BaseException) -> str:
    """What to tell the user of an error, on one line and without a full stop."""
    if isinstance(error, AttrbankError):
        return printable(error.message.rstrip("."))
    return printable(f"{type(error).__name__}: {_message_of(error)}")


def _message_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:
        return f"its message fails with {type(failure).__name__}"
