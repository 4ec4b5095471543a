"""Load each plugin inside its own guard, and resolve what it registered on first use.

``discovery`` says which plugins there are, ``guard`` what is told about one that fails.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pluggy

from attrbank.backbones import short_names as shortnames
from attrbank.diffusion.placement import Placement
from attrbank.errors import InvalidValueError, NotFoundError, PluginError
from attrbank.names import is_name
from attrbank.plugins import hookspecs, parameters
from attrbank.plugins.discovery import GROUP, KINDS, Kind, Plugin, Registered, Registration, selected_plugins
from attrbank.plugins.guard import (
    Talk,
    blaming,
    let_interrupt_through,
    reason_of,
    report_failure,
    report_manners,
)
from attrbank.plugins.hookspecs import PLACEABLE, TAKES_ARGUMENT, Spec
from attrbank.plugins.leash import leash
from attrbank.text import printable

HERE = "here"
"""The executor that works in this process."""

if TYPE_CHECKING:
    from attrbank.methods.protocol import Method
    from attrbank.schema.choices import Core
    from attrbank.schema.fields import Part
    from attrbank.schema.stored import AttributeRecord


@dataclass
class PluginManager:
    """Everything that is registered, by kind and name, and a report of the plugins.

    Attributes:
        plugins: all that were selected, loaded or failed, the built-in one first.
    """

    plugins: list[Plugin] = field(default_factory=list)
    _registry: dict[Kind, dict[str, Registration]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def load(self, plugin: Plugin) -> None:
        """Import one plugin and take what it registers: all of it, or nothing and a warning on stderr.

        Raises:
            PluginError: it failed and ``ATTRBANK_STRICT_PLUGINS=1``.
        """
        talk, started = Talk(), time.monotonic()
        try:
            with contextlib.redirect_stdout(talk.as_stdout()), leash():
                hooks = _hooks_of(plugin)
                registered = tuple(_specs_of(hooks))
            self._refuse_taken_names(registered)
        except BaseException as error:  # SystemExit is a common way for an import to fail, too
            let_interrupt_through(error, plugin)
            self.plugins.append(replace(plugin, error=reason_of(error)))
            report_failure(f"the plugin {plugin.name!r} of {plugin.distribution} is left out", plugin, error)
        else:
            loaded = _loaded(plugin, hooks, registered, time.monotonic() - started)
            self._accept(loaded)
            report_manners(loaded, talk.text)

    def registrations(self, kind: Kind) -> tuple[Registration, ...]:
        """All of one kind, in order of registration."""
        return tuple(self._registry[kind].values())

    def refuse_taken(self, kind: Kind, name: str) -> None:
        """Does nothing if a plugin may register this name.

        Raises:
            InvalidValueError: another plugin has registered it.
        """
        if name in self._registry[kind]:
            owner = self._registry[kind][name].plugin.distribution
            raise InvalidValueError(
                f"The {kind} name {name!r} is taken by {owner}.", hint="Of two plugins that offer it, one is left out."
            )

    def sampler(self, name: str) -> Any:
        """A new ``Sampler`` of that name, which may have parameters behind a colon: ``dpm:eta=0.5``.

        Raises:
            NotFoundError: no plugin offers it.
            InvalidValueError: it has no such parameter, or none of that value.
            PluginError: it could not be imported or made.
        """
        return self._configured("sampler", name)

    def parameters(self, registration: Registration) -> Any:
        """The pydantic model of what a user may set; None if there is nothing.

        Raises:
            PluginError: it could not be imported.
        """
        spec, plugin = registration
        return _target(Registration(replace(spec, target=spec.parameters), plugin)) if spec.parameters else None

    def method(self, name: str) -> Method:
        """A new ``Method`` of that name, complete; raises as ``sampler`` does."""
        from attrbank.methods.completing import completed  # listing plugins does without records

        return completed(self._configured("method", name))

    def method_of(self, record: AttributeRecord) -> Method:
        """The method that an attribute was learned with.

        Raises:
            NotFoundError: it is not installed, or has no such parameters; the hint names the package.
        """
        try:
            return self.method(record.method)
        except (NotFoundError, InvalidValueError) as error:  # what an artifact says need be no name at all
            raise NotFoundError(
                f"{record.name} needs the method {record.method!r}, which is not installed.",
                hint="Install the plugin that brings it; attrbank methods lists those that are there.",
            ) from error

    def parts_of_method(self, record: AttributeRecord, core: Core | None = None) -> tuple[Part, ...]:
        """What of a model an attribute depends on, with this core or its preferred one; raises as ``method_of``."""
        return self.method_of(record).parts(record, core or record.core)

    def needs_its_network(self, record: AttributeRecord) -> bool:
        """Whether an attribute fits the network that it was learned on alone; raises as ``method_of``."""
        return self.method_of(record).needs_its_network(record)

    def metric(self, name: str) -> Any:
        """A new ``Metric`` of that name; raises as ``sampler`` does."""
        return self._configured("metric", name)

    def judge(self, name: str, case: object) -> Any:
        """A new ``Judge`` of that name for a ``Case``; raises as ``sampler`` does."""
        return self._make("judge", name, case)

    def executor(self, text: str | None = None) -> Any:
        """A new ``Executor`` of that name, which may have an argument behind a colon: ``ray:ADDRESS``.

        None is the one that works in this process.

        Raises:
            NotFoundError: no plugin offers it.
            InvalidValueError: it takes no argument.
            PluginError: it could not be imported or made.
        """
        name, _, argument = (text or HERE).partition(":")
        registration = self._find("executor", name)
        if TAKES_ARGUMENT in registration.spec.capabilities:
            return _called(registration, "executor", argument or None)
        if argument:
            raise InvalidValueError(f"The executor {name!r} takes nothing behind a colon.", hint=f"Write {name} alone.")
        return _called(registration, "executor")

    @property
    def selection(self) -> str:
        """Those that are loaded, as ``ATTRBANK_PLUGINS`` names them."""
        return ",".join(plugin.name for plugin in self.plugins if plugin.error is None) or "none"

    def has_judge(self, source: str) -> bool:
        """Whether a backbone brings its own judge.

        Raises:
            NotFoundError: there is no such backbone.
        """
        return self._find("backbone", self._backbone_name(source)).spec.judge is not None

    def judge_of(self, source: str, case: object) -> Any:
        """A new ``Judge`` as that backbone brings it for a ``Case``.

        Raises:
            NotFoundError: there is no such backbone, or it brings none.
            PluginError: it could not be imported or made.
        """
        spec, plugin = self._find("backbone", self._backbone_name(source))
        if spec.judge is None:
            raise NotFoundError(f"The backbone {spec.name!r} brings no judge of its own.")
        return _called(Registration(replace(spec, target=spec.judge), plugin), "judge", case)

    def backbone(self, source: str, placement: Placement | None = None) -> Any:
        """The ``Backbone`` that ``source`` names: a registered or a short name, a folder, a file or a hub id.

        Args:
            source: as the user gave it.
            placement: where it is to run; None leaves that to the backbone.

        Raises:
            NotFoundError: it is none of these.
            InvalidValueError: it cannot be told where to run.
            PluginError: it could not be imported or made.
        """
        registration = self._find("backbone", self._backbone_name(source))
        if placement is None:
            return _called(registration, "backbone", source)
        if PLACEABLE not in registration.spec.capabilities:
            raise InvalidValueError(
                f"The backbone {registration.spec.name!r} decides itself where it runs.",
                hint="Leave out --device, --dtype and --offload.",
            )
        return _called(registration, "backbone", source, placement)

    def describe(self, source: str) -> Any:
        """The ``Description`` of that backbone, which is loaded only if its plugin has no other way to tell.

        Raises as ``backbone`` does.
        """
        spec, plugin = self._find("backbone", self._backbone_name(source))
        return _called(Registration(replace(spec, target=spec.describe or spec.target), plugin), "backbone", source)

    def foreign(self, *used: tuple[Kind, str]) -> dict[str, str]:
        """The packages beside attrbank that bring what is used, with their versions.

        Args:
            used: kind and name of each; a backbone's is as the user gave it.
        """
        names = ((kind, self._plain_name(kind, name)) for kind, name in used)
        plugins = [self._registry[kind][name].plugin for kind, name in names if name in self._registry[kind]]
        return {plugin.distribution: plugin.version for plugin in plugins if not plugin.built_in}

    def command(self, name: str) -> Any:
        """The function or typer application behind a command; raises as ``sampler`` does."""
        return _target(self._find("command", name))

    def _plain_name(self, kind: Kind, name: str) -> str:
        return self._backbone_name(name) if kind == "backbone" else name.partition(":")[0]

    def _configured(self, kind: Kind, text: str) -> Any:
        """What a name stands for, made with the parameters behind its colon, and called by a name that has them all."""
        name, given = parameters.split(text)
        registration = self._find(kind, name)
        model = self.parameters(registration)
        if model is None:
            if given:
                raise InvalidValueError(f"The {kind} {name!r} has no parameters.", hint=f"Write {name} alone.")
            return _called(registration, kind)
        values = parameters.checked(model, given, f"{kind} {name}")
        made = _called(registration, kind, values)
        made.name = parameters.text_of(name, values)  # what recipes and artifacts record
        return made

    def _make(self, kind: Kind, name: str, *arguments: object) -> Any:
        return _called(self._find(kind, name), kind, *arguments)

    def _backbone_name(self, source: str) -> str:
        if source in self._registry["backbone"]:
            return source
        unknown = is_name(source) and not os.path.isdir(source) and source not in shortnames.read_table()
        return source if unknown else "latent_diffusion"

    def _find(self, kind: Kind, name: str) -> Registration:
        registry = self._registry[kind]
        if name not in registry:
            known = [*registry, *(shortnames.read_table() if kind == "backbone" else ())]
            raise NotFoundError(f"There is no {kind} {printable(name)!r}.", hint=_nearest(name, known))
        return registry[name]

    def _refuse_taken_names(self, registered: Registered) -> None:
        seen: set[tuple[Kind, str]] = set()
        for kind, spec in registered:
            if (kind, spec.name) in seen:
                raise PluginError(f"it registers the {kind} {spec.name!r} twice")
            self.refuse_taken(kind, spec.name)
            seen.add((kind, spec.name))

    def _accept(self, plugin: Plugin) -> None:
        self.plugins.append(plugin)
        for kind, spec in plugin.registered:
            self._registry[kind][spec.name] = Registration(spec, plugin)


@functools.cache
def load_plugins() -> PluginManager:
    """The manager of this process: the built-in plugin and the installed ones, as far as they are selected."""
    manager = PluginManager()
    for plugin in selected_plugins():
        manager.load(plugin)
    return manager


def _hooks_of(plugin: Plugin) -> pluggy.PluginManager:
    """Import the plugin and hold its implementations against the hooks; each plugin has a set of its own."""
    hooks = pluggy.PluginManager(GROUP)
    hooks.add_hookspecs(hookspecs)
    hooks.register(metadata.EntryPoint(plugin.name, plugin.value, GROUP).load(), plugin.name)
    hooks.check_pending()
    return hooks


def _specs_of(hooks: pluggy.PluginManager) -> Iterator[tuple[Kind, Spec]]:
    """What the hooks register, not yet accepted."""
    for kind in KINDS:
        specs: list[Spec] = []
        getattr(hooks.hook, f"register_{kind}s")(register=specs.append)
        for spec in specs:
            if not isinstance(spec, Spec):
                raise PluginError(f"register_{kind}s was given {spec!r}, which is not a Spec")
            yield kind, spec


def _loaded(plugin: Plugin, hooks: pluggy.PluginManager, registered: Registered, seconds: float) -> Plugin:
    callers = hooks.get_hookcallers(hooks.get_plugin(plugin.name)) or []
    module = sys.modules.get(plugin.value.partition(":")[0])
    return replace(
        plugin,
        location=getattr(module, "__file__", None) or plugin.location,
        registered=registered,
        hooks=tuple(caller.name for caller in callers),
        seconds=seconds,
    )


def _called(registration: Registration, kind: Kind, *arguments: object) -> Any:
    factory: Callable[..., Any] = _target(registration)
    with blaming(kind, registration):
        return factory(*arguments)


def _target(registration: Registration) -> Any:
    module, _, path = registration.spec.target.partition(":")
    with blaming("object", registration):
        return functools.reduce(getattr, path.split("."), importlib.import_module(module))


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(sorted(known)) or 'none'}."
    selection = os.environ.get("ATTRBANK_PLUGINS")
    return hint if selection is None else f"{hint} ATTRBANK_PLUGINS={printable(selection)} leaves out the others."
