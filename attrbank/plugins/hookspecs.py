"""The hooks that a plugin implements. Their docstrings are the contract; ``docs/plugins.md`` is the guide.

A plugin is a module named by an entry point of the group ``attrbank``::

    [project.entry-points.attrbank]
    euler = "attrbank_euler"

Importing that module must be cheap: it registers *specs*, each of which says where the real object
lives, and that object is imported only when a user asks for it by name::

    from attrbank.plugin import Spec, hookimpl

    @hookimpl
    def register_samplers(register):
        register(Spec("euler", "Euler's method, one step per evaluation.", target="attrbank_euler.sampler:Euler"))

A plugin's specs are taken together or not at all: one that is refused (a taken name, a malformed
spec) leaves nothing of its plugin behind. Plugins are code and run with the user's rights; what is
isolated here is accident, not malice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pluggy

from attrbank.errors import InvalidValueError
from attrbank.names import validate_name

hookspec = pluggy.HookspecMarker("attrbank")
hookimpl = pluggy.HookimplMarker("attrbank")

PLACEABLE = "device"
"""The capability of backbones that can be told where to run."""

TAKES_ARGUMENT = "argument"
"""The capability of judges and executors to which the user says something, as in ``--judge clip:DIR``."""

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Spec:
    """What a plugin registers: a name, and where the object is when somebody asks for it.

    Attributes:
        name: as the user types it: lower-case letters, digits, "-" and "_", at most 64.
        summary: one sentence for listings.
        capabilities: short words for listings, such as "stochastic" or "invert".
        target: ``module:object``, imported on first use.
        describe: for backbones, the ``module:object`` that describes the model without loading it.
        parameters: for samplers, methods and metrics, the ``module:object`` of a pydantic model of what the user may
            set, each with a default; the target is then called with one of those. Listings import it.
        judge: for backbones, the ``module:object`` that makes the judge of its pictures, as ``register_judges`` has it.

    Raises:
        InvalidValueError: the name or a target is malformed, or what is to be listed is not text.
    """

    name: str
    summary: str
    capabilities: tuple[str, ...] = ()
    target: str = field(kw_only=True)
    describe: str | None = field(default=None, kw_only=True)
    judge: str | None = field(default=None, kw_only=True)
    parameters: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        validate_name(self.name)
        if not isinstance(self.capabilities, tuple):
            raise InvalidValueError(f"the capabilities of {self.name!r} are not a tuple")
        if not all(isinstance(text, str) for text in (self.summary, *self.capabilities)):
            raise InvalidValueError(f"the summary or a capability of {self.name!r} is not text")
        for target in filter(None, (self.target, self.describe, self.judge, self.parameters)):
            if not _TARGET.fullmatch(target):
                raise InvalidValueError(f"a target of {self.name!r} is not module:object, but {target!r}")


Register = Callable[[Spec], None]
"""Takes one spec; a hook calls it as often as it likes."""


@hookspec
def register_samplers(register: Register) -> None:
    """Offer samplers. The target is called without arguments and returns a ``Sampler``.

    With ``parameters`` it is called with what the user has set of them, and with defaults.
    """


@hookspec
def register_backbones(register: Register) -> None:
    """Offer backbones. The target is called with what the user gave as ``--backbone`` and returns a ``Backbone``.

    What the user gave is the spec's own name; a folder or hub id goes to the built-in ``latent_diffusion``.
    Plans and compatibility checks ask the spec's ``describe`` instead, called in the same way, for a
    ``Description``: the attributes of a backbone without its networks. Without one they load the backbone.

    A spec with the capability ``device`` says that its target takes a second argument, an
    ``attrbank.plugin.Placement``, when the user has said where the backbone is to run.

    With ``judge`` a backbone brings its own judge, which ``--judge oracle`` means, and which judges by default. Its
    target is called as those of ``register_judges``.
    """


@hookspec
def register_methods(register: Register) -> None:
    """Offer methods. The target is called as those of ``register_samplers`` and returns a ``Method``."""


@hookspec
def register_metrics(register: Register) -> None:
    """Offer metrics for evaluations. The target is called as those of samplers and returns a ``Metric``.

    The summary says the figure's unit or range and what no change gives. A metric that understands the pictures of
    one backbone alone names it among its capabilities.
    """


@hookspec
def register_judges(register: Register) -> None:
    """Offer judges for evaluations. The target is called with a ``Case`` and returns a ``Judge``.

    A spec with the capability ``argument`` says that the user names the judge with something behind a colon, which the
    case hands on.
    """


@hookspec
def register_executors(register: Register) -> None:
    """Offer executors, which do work that can be divided. The target is called without arguments: an ``Executor``.

    With the capability ``argument`` it is called with what the user wrote behind a colon, as the address in
    ``--on ray:ADDRESS``, or None.
    """


@hookspec
def register_commands(register: Register) -> None:
    """Offer commands of the command line. The target is the command itself: a function annotated for typer.

    The spec's name is the command's; the names of the built-in commands are taken.
    """
