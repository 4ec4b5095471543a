"""Which plugins are installed, and which of them ``ATTRBANK_PLUGINS`` selects. Nothing is imported here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from attrbank.names import VERSION
from attrbank.plugins.hookspecs import Spec
from attrbank.text import printable

GROUP = "attrbank"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
"""A distribution's (packaging.python.org, names and normalization)."""

_VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]{0,99}")

Kind = Literal["sampler", "backbone", "method", "metric", "judge", "executor", "command"]
KINDS: tuple[Kind, ...] = ("sampler", "backbone", "method", "metric", "judge", "executor", "command")
Registered: TypeAlias = tuple[tuple[Kind, Spec], ...]


@dataclass(frozen=True)
class Plugin:
    """One entry point: where it comes from, and how loading it went.

    Attributes:
        value: what the entry point names, ``module`` or ``module:object``.
        version: empty if the distribution does not say.
        location: the module's file, or the folder where it is installed as long as it is not imported.
        error: why it was refused; None if it is loaded.
        registered: ``(kind, spec)`` for each object it offers.
        hooks: the names of the hooks it implements.
        seconds: that loading it took.
    """

    name: str
    value: str
    distribution: str
    version: str
    location: str = ""
    error: str | None = None
    registered: Registered = ()
    hooks: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def built_in(self) -> bool:
        """Whether it is attrbank's own."""
        return self.value == BUILT_IN.value

    @property
    def packages(self) -> set[str]:
        """The top-level packages of what it names: where its code is, as far as that is not attrbank's own."""
        named = (self.value, *(t for _, spec in self.registered for t in (spec.target, spec.judge) if t))
        return {module.partition(":")[0].partition(".")[0] for module in named} - {"attrbank"}

    @property
    def requirement(self) -> str | None:
        """The line that makes pip install it; None if its name is none that pip would take for one."""
        if not _NAME.fullmatch(self.distribution):
            return None
        return f"{self.distribution}=={self.version}" if _VERSION.fullmatch(self.version) else self.distribution

    @property
    def remedy(self) -> str:
        """The command that gets rid of the plugin; what its files call themselves becomes part of none."""
        if not _NAME.fullmatch(self.distribution):
            return f"its folder is in {printable(self.location)!r}"
        return f"pip uninstall {self.distribution}"


class Registration(NamedTuple):
    """A spec and the plugin that it came from."""

    spec: Spec
    plugin: Plugin


BUILT_IN = Plugin("attrbank", "attrbank.plugins.built_ins", "attrbank", VERSION, str(Path(__file__).parent))
"""What attrbank brings along, registered like anybody's."""


def selected_plugins() -> list[Plugin]:
    """The plugins to load, the built-in one first, then by distribution and name so that every run is alike.

    ``ATTRBANK_PLUGINS`` is a comma list of entry points or distributions, ``attrbank`` among them, or ``none``;
    unset, it means all.
    """
    plugins = [BUILT_IN, *sorted(installed_plugins(), key=lambda plugin: (plugin.distribution, plugin.name))]
    wanted = os.environ.get("ATTRBANK_PLUGINS")
    if wanted is None:
        return plugins
    names = {name.strip() for name in wanted.split(",")} - {"", "none"}
    for name in sorted(names - {name for plugin in plugins for name in (plugin.name, plugin.distribution)}):
        warn(f"ATTRBANK_PLUGINS names {printable(name)!r}, which is not installed")
    return [plugin for plugin in plugins if names & {plugin.name, plugin.distribution}]


def installed_plugins() -> Iterator[Plugin]:
    """One plugin for each entry point of the group, not yet imported; unreadable distributions are skipped."""
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            name = printable(distribution.metadata["Name"])
            key = name.lower().replace("_", "-")
            found = [] if key in seen else list(_plugins_of(distribution, name))
        except Exception:  # noqa: S112 — somebody else's broken metadata, found in every old environment
            continue
        seen.add(key)
        yield from found


def _plugins_of(distribution: metadata.Distribution, name: str) -> Iterable[Plugin]:
    folder = str(distribution.locate_file(""))
    for point in distribution.entry_points.select(group=GROUP):
        yield Plugin(point.name, point.value, name, distribution.version or "", folder)


def warn(message: str) -> None:
    """Say it on stderr, on a line that begins with ``warning:``."""
    print(f"warning: {message}", file=sys.stderr)
