"""Run the contracts on a plugin's folder, installed or not, without pytest."""

from __future__ import annotations

import contextlib
import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attrbank.diffusion.protocols import Backbone, Description, family_of, guidance_of
from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError, PluginError
from attrbank.plugin.scaffold import PLACEHOLDER
from attrbank.plugins.discovery import BUILT_IN, GROUP, Kind, Plugin
from attrbank.plugins.guard import reason_of
from attrbank.plugins.hookspecs import TAKES_ARGUMENT, Spec
from attrbank.plugins.manager import PluginManager

if TYPE_CHECKING:
    from attrbank.evaluation.judges.judge import Case

HEAVY = frozenset({"torch", "diffusers", "transformers", "numpy"})
"""What importing a plugin must leave alone: every command that needs plugins imports all of them."""


NAMED: frozenset[Kind] = frozenset({"sampler", "backbone", "method"})
"""What has a name of its own."""


class Verdict(NamedTuple):
    """How one promise of one object fared; ``error`` is None if it was kept."""

    subject: str
    promise: str
    error: str | None


def check_package(folder: Path) -> Iterator[Verdict]:
    """Load what a package's entry points name, and hold everything they register against its contract.

    Raises:
        NotFoundError: there is no package.
        InvalidValueError: it has no entry point of attrbank's, or its ``pyproject.toml`` is malformed.
        PluginError: a plugin cannot be loaded, or registers nothing.
    """
    with _importable(folder):
        manager = PluginManager()
        manager.load(BUILT_IN)
        for plugin in declared_plugins(folder):
            yield _load(manager, plugin)
        for kind, spec in (registered for plugin in manager.plugins[1:] for registered in plugin.registered):
            yield from _verdicts(manager, kind, spec)


def _load(manager: PluginManager, plugin: Plugin) -> Verdict:
    before = set(sys.modules)
    manager.load(plugin)
    loaded = manager.plugins[-1]
    if loaded.error is not None:
        raise PluginError(f"{plugin.name} cannot be loaded: {loaded.error}.")
    if not loaded.hooks:
        raise PluginError(f"{plugin.name} implements no hook.", hint="Mark its functions with @hookimpl.")
    heavy = sorted(HEAVY & (set(sys.modules) - before))
    return Verdict(plugin.name, "it is imported without heavy packages", _complaint(heavy))


def declared_plugins(folder: Path) -> list[Plugin]:
    """The entry points in a package's ``pyproject.toml``; raises as ``check_package`` does."""
    path = folder / "pyproject.toml"
    try:
        project: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        points = dict(project.get("entry-points", {}).get(GROUP, {}))
        name, version = str(project["name"]), str(project.get("version", "0"))
    except OSError as error:
        raise NotFoundError(f"There is no package in {folder}: {path.name} cannot be read.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidValueError(f"{path} is malformed: {error}.") from error
    if not points:
        raise InvalidValueError(f"{path} has no [project.entry-points.{GROUP}].")
    return [Plugin(point, str(value), name, version, str(folder)) for point, value in points.items()]


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the package's modules be imported from its folder, or from ``src`` in it."""
    paths = [str((folder / "src").resolve()), str(folder.resolve())]
    sys.path[:0] = paths
    importlib.invalidate_caches()  # the package may have been written a moment ago
    try:
        yield
    finally:
        for path in paths:
            sys.path.remove(path)


def _verdicts(manager: PluginManager, kind: Kind, spec: Spec) -> Iterator[Verdict]:
    from attrbank.plugin import contracts

    suites: dict[Kind, type[contracts.Contract]] = {
        "sampler": contracts.SamplerContract,
        "backbone": contracts.BackboneContract,
        "method": contracts.MethodContract,
        "metric": contracts.MetricContract,
        "executor": contracts.ExecutorContract,
    }
    subject = f"{kind} {spec.name}"
    yield Verdict(subject, "its summary says what it is", _unsaid(spec.summary))
    if kind == "judge":
        yield from _judged(subject, spec, lambda case: manager.judge(spec.name, case))
        return
    try:
        made = getattr(manager, kind)(spec.name)
    except AttrbankError as error:
        yield Verdict(subject, "it can be made", error.message)
        return
    yield Verdict(subject, "it can be made", None)
    if kind == "command":
        yield Verdict(subject, "its help can be shown", _unhelpful(spec.name, made))
    if kind == "backbone":
        yield Verdict(subject, "its description tells what it is", _misdescribed(manager.describe(spec.name), made))
    if kind in NAMED:
        yield Verdict(subject, "it has the name that it is registered under", _misnamed(spec.name, made))
    if kind in suites:
        suite = _suite_for(suites[kind], made, lambda: getattr(manager, kind)(spec.name))
        for outcome in suite.outcomes():
            yield Verdict(subject, outcome.promise, outcome.error)
    if kind == "backbone" and spec.judge:
        yield from _judged(f"judge of {spec.name}", spec, lambda case: manager.judge_of(spec.name, case), made)


def _judged(
    subject: str, spec: Spec, make: Callable[[Case], Any], backbone: Backbone | None = None
) -> Iterator[Verdict]:
    """A judge on pictures of its backbone, or of a tiny one; nobody knows an argument that it could be given."""
    if TAKES_ARGUMENT in spec.capabilities:
        return
    from attrbank.plugin.contracts import JudgeContract

    facts: dict[str, Any] = {"make": lambda self: make(self.case())}
    if backbone is not None:
        facts["make_backbone"] = lambda self: backbone
    suite = type("JudgeContract", (JudgeContract,), facts)()
    try:
        _ = suite.subject
    except AttrbankError as error:
        yield Verdict(subject, "it can be made", error.message)
        return
    yield Verdict(subject, "it can be made", None)
    for outcome in suite.outcomes():
        yield Verdict(subject, outcome.promise, outcome.error)


def _misdescribed(described: Description, model: Backbone) -> str | None:
    """What a plan would be told wrongly, if anything."""
    for name in ("name", "fingerprint", "latent_shape", "prediction_type", "schedule", "defaults", "words"):
        if getattr(described, name) != getattr(model, name):
            return f"described with another {name.replace('_', ' ')} than the model has"
    if family_of(described) != family_of(model):
        return "described as of another family than the model is"
    return None if guidance_of(described) == guidance_of(model) else "described with other guidance than the model has"


def _unsaid(summary: str) -> str | None:
    blank = not summary.strip() or summary == PLACEHOLDER
    return "it is the sentence that the template came with" if blank else None


def _unhelpful(name: str, target: Any) -> str | None:
    """Why typer cannot read a command, if it cannot."""
    from attrbank.cli.app import command_of

    try:
        command = command_of(name, target)
        command.get_help(command.context_class(command, info_name=name))
    except Exception as error:  # typer's own assertions, and whatever annotations say
        return f"typer cannot read it: {reason_of(error)}"
    return None


def _misnamed(name: str, made: Any) -> str | None:
    """Recipes and artifacts record an object's own name, and must lead back to it."""
    own = getattr(made, "name", None)
    return None if str(own).partition(":")[0] == name else f"it calls itself {own!r}"


def _suite_for(contract: type[Any], made: Any, make: Callable[[], Any]) -> Any:
    """The contract on one object; every object has a class of its own, where the contract keeps it."""
    return type(contract.__name__, (contract,), {"_subject": made, "make": lambda self: make()})()


def _complaint(heavy: list[str]) -> str | None:
    return f"it imports {', '.join(heavy)}; name such code as a spec's target instead" if heavy else None
