"""Find plugins, load each inside its own guard, and resolve what they registered on first use.

``ATTRBANK_PLUGINS`` selects third-party plugins by entry point or distribution name: a comma
list, or ``none``. ``ATTRBANK_STRICT_PLUGINS=1`` turns a failing plugin into an error, for developers.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import pluggy

import attrbank
from attrbank import hookspecs
from attrbank.errors import AttrbankError, NotFoundError, PluginError
from attrbank.hookspecs import Spec
from attrbank.text import printable

GROUP = "attrbank"
BUILTIN = "attrbank.builtin"

Kind = Literal["sampler", "backbone", "method", "metric", "command"]
KINDS: tuple[Kind, ...] = ("sampler", "backbone", "method", "metric", "command")
Registered: TypeAlias = tuple[tuple[Kind, Spec], ...]


@dataclass(frozen=True)
class Plugin:
    """One entry point: where it comes from, and how loading it went.

    Attributes:
        value: what the entry point names, ``module`` or ``module:object``.
        error: why it was refused; None if it is loaded.
        registered: ``(kind, spec)`` for each object it offers.
    """

    name: str
    value: str
    distribution: str
    version: str
    error: str | None = None
    registered: Registered = ()

    @property
    def remedy(self) -> str:
        """How to be rid of the plugin."""
        return f"pip uninstall {self.distribution}"


class Registration(NamedTuple):
    """A spec and the plugin that it came from."""

    spec: Spec
    plugin: Plugin


@dataclass
class PluginManager:
    """Everything that is registered, by kind and name, and a report of the plugins.

    Attributes:
        plugins: all that were found, loaded or failed, the built-in one first.
    """

    plugins: list[Plugin] = field(default_factory=list)
    _registry: dict[Kind, dict[str, Registration]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def load(self, plugin: Plugin) -> None:
        """Import one plugin and take what it registers: all of it, or nothing and a warning on stderr.

        Raises:
            PluginError: it failed and ``ATTRBANK_STRICT_PLUGINS=1``.
        """
        try:
            with contextlib.redirect_stdout(sys.stderr):
                registered = _registered_by(plugin)
            self._refuse_taken_names(registered)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit is a common way for an import to fail, too
            self._report_failure(plugin, error)
        else:
            self._accept(replace(plugin, registered=registered))

    def registrations(self, kind: Kind) -> tuple[Registration, ...]:
        """All of one kind, in order of registration."""
        return tuple(self._registry[kind].values())

    def sampler(self, name: str) -> Any:
        """A new ``Sampler`` of that name.

        Raises:
            NotFoundError: no plugin offers it.
            PluginError: it could not be imported or made.
        """
        return self._make("sampler", name)

    def method(self, name: str) -> Any:
        """A new ``Method`` of that name; raises as ``sampler`` does."""
        return self._make("method", name)

    def metric(self, name: str) -> Any:
        """A new metric of that name; raises as ``sampler`` does."""
        return self._make("metric", name)

    def backbone(self, source: str) -> Any:
        """The ``Backbone`` that ``source`` names: a registered name, a folder or a hub id.

        Raises:
            NotFoundError: it is none of these.
            PluginError: it could not be imported or made.
        """
        elsewhere = source not in self._registry["backbone"] and ("/" in source or Path(source).is_dir())
        return self._make("backbone", "latent_diffusion" if elsewhere else source, source)

    def command(self, name: str) -> Callable[..., None]:
        """The function behind a command; raises as ``sampler`` does."""
        function: Callable[..., None] = self._target(self._find("command", name))
        return function

    def _make(self, kind: Kind, name: str, *arguments: str) -> Any:
        registration = self._find(kind, name)
        factory = self._target(registration)
        with _blaming(kind, registration):
            return factory(*arguments)

    def _find(self, kind: Kind, name: str) -> Registration:
        registry = self._registry[kind]
        if name not in registry:
            raise NotFoundError(f"There is no {kind} {printable(name)!r}.", hint=_nearest(name, registry))
        return registry[name]

    def _target(self, registration: Registration) -> Any:
        module, _, path = registration.spec.target.partition(":")
        with _blaming("object", registration):
            return functools.reduce(getattr, path.split("."), importlib.import_module(module))

    def _refuse_taken_names(self, registered: Registered) -> None:
        seen: set[tuple[Kind, str]] = set()
        for kind, spec in registered:
            if (kind, spec.name) in seen:
                raise PluginError(f"it registers the {kind} {spec.name!r} twice")
            if spec.name in self._registry[kind]:
                owner = self._registry[kind][spec.name].plugin.distribution
                raise PluginError(f"the {kind} name {spec.name!r} is taken by {owner}")
            seen.add((kind, spec.name))

    def _accept(self, plugin: Plugin) -> None:
        self.plugins.append(plugin)
        for kind, spec in plugin.registered:
            self._registry[kind][spec.name] = Registration(spec, plugin)

    def _report_failure(self, plugin: Plugin, error: BaseException) -> None:
        reason = printable(f"{type(error).__name__}: {error}")
        self.plugins.append(replace(plugin, error=reason))
        if os.environ.get("ATTRBANK_STRICT_PLUGINS") == "1":
            raise PluginError(f"The plugin {plugin.name!r} of {plugin.distribution} failed: {reason}.") from error
        _warn(f"the plugin {plugin.name!r} of {plugin.distribution} is left out ({reason}); remove: {plugin.remedy}")


@functools.cache
def load_plugins() -> PluginManager:
    """The manager of this process: the built-in plugin, then the installed ones that are selected."""
    manager = PluginManager()
    manager.load(Plugin("attrbank", BUILTIN, "attrbank", attrbank.__version__))
    for plugin in _selected(list(installed_plugins())):
        manager.load(plugin)
    return manager


def installed_plugins() -> Iterator[Plugin]:
    """One plugin for each entry point of the group, not yet imported; unreadable distributions are skipped."""
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            name = printable(distribution.metadata["Name"])
            key = name.lower().replace("_", "-")
            entry_points = [] if key in seen else distribution.entry_points.select(group=GROUP)
            found = [Plugin(point.name, point.value, name, distribution.version) for point in entry_points]
        except Exception:  # noqa: S112 — somebody else's broken metadata, found in every old environment
            continue
        seen.add(key)
        yield from found


def _selected(plugins: list[Plugin]) -> list[Plugin]:
    """Those that ``ATTRBANK_PLUGINS`` names, or all, by distribution and name so that every run is alike."""
    ordered = sorted(plugins, key=lambda plugin: (plugin.distribution, plugin.name))
    wanted = os.environ.get("ATTRBANK_PLUGINS")
    if wanted is None:
        return ordered
    names = {name.strip() for name in wanted.split(",")} - {"", "none"}
    for name in sorted(names - {name for plugin in ordered for name in (plugin.name, plugin.distribution)}):
        _warn(f"ATTRBANK_PLUGINS names {printable(name)!r}, which is not installed")
    return [plugin for plugin in ordered if names & {plugin.name, plugin.distribution}]


def _registered_by(plugin: Plugin) -> Registered:
    """What the plugin's hooks register, not yet accepted; each plugin has hooks of its own."""
    hooks = pluggy.PluginManager(GROUP)
    hooks.add_hookspecs(hookspecs)
    hooks.register(metadata.EntryPoint(plugin.name, plugin.value, GROUP).load())
    hooks.check_pending()
    return tuple(_specs_of(hooks))


def _specs_of(hooks: pluggy.PluginManager) -> Iterator[tuple[Kind, Spec]]:
    for kind in KINDS:
        specs: list[Spec] = []
        getattr(hooks.hook, f"register_{kind}s")(register=specs.append)
        for spec in specs:
            if not isinstance(spec, Spec):
                raise PluginError(f"register_{kind}s was given {spec!r}, which is not a Spec")
            yield kind, spec


@contextlib.contextmanager
def _blaming(what: str, registration: Registration) -> Iterator[None]:
    """Turn what a plugin's code raises into a ``PluginError`` that names the plugin."""
    try:
        yield
    except (AttrbankError, KeyboardInterrupt):
        raise
    except BaseException as error:
        spec, plugin = registration
        reason = printable(f"{type(error).__name__}: {error}")
        hint = f"Install {plugin.distribution} again" + ("." if plugin.value == BUILTIN else f", or: {plugin.remedy}")
        raise PluginError(f"The {what} {spec.name!r} of {plugin.distribution} failed: {reason}.", hint) from error


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(sorted(known)) or 'none'}."
