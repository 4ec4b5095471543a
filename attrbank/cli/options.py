"""The options that several commands share: alone as annotations, or together as bundles of options.

A command takes a bundle as a parameter, is decorated with ``spelled_out``, and gets one option for each of its fields;
where the bundle has a ``PANEL``, help shows them under that title.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, get_type_hints

import typer

from attrbank.backbones import short_names
from attrbank.cli import completing
from attrbank.diffusion.placement import Dtype, Placement

if TYPE_CHECKING:
    from attrbank.executors.protocol import Executor

BankOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--bank",
        metavar="DIR",
        readable=False,  # the store says what is wrong with a folder, in whatever way it is named
        help="The bank; default ATTRBANK_BANK, then the user's data directory.",
    ),
]
NegativeOption: TypeAlias = Annotated[
    str | None, typer.Option("--negative-prompt", metavar="P", help="What guidance leads away from.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ReferenceArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        autocompletion=completing.attributes,
        help="NAME, NAME@ID-PREFIX or ID-PREFIX (6 digits or more).",
    ),
]
BackboneOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--backbone", metavar="B", autocompletion=completing.backbones, help="A name, folder, file or hub id."
    ),
]
ConfigOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--config", metavar="DIR", help="For a single file: a model of its kind, for its configuration."),
]
OnOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="EXECUTOR",
        autocompletion=completing.executors,
        help="Who does the work, as ray or ray:ADDRESS; see attrbank executors.",
    ),
]


def executor_of(on: str | None) -> Executor | None:
    """The one that a user has named; None does without."""
    if on is None:
        return None
    from attrbank.plugins.manager import load_plugins

    executor: Executor = load_plugins().executor(on)
    return executor


ReplaceOption: TypeAlias = Annotated[bool, typer.Option("--replace", help="The old one stays reachable as NAME@ID.")]
_Guidance: TypeAlias = Annotated[
    float | None, typer.Option(metavar="G", help="Classifier-free guidance; 1 or less is none.")
]


@dataclass(frozen=True)
class Where:
    """The options that say where networks run."""

    PANEL: ClassVar = "Where networks run"

    device: Annotated[str | None, typer.Option(metavar="D", help="Where networks run: cpu, cuda, cuda:1, mps.")] = None
    dtype: Annotated[Dtype | None, typer.Option(help="Precision of the networks.")] = None
    offload: Annotated[bool, typer.Option("--offload", help="Keep on the device only the network at work.")] = False

    def placement(self) -> Placement | None:
        """The user's wishes; None if there are none."""
        wishes = Placement(device=self.device, dtype=self.dtype, offload=self.offload)
        return None if wishes == Placement() else wishes


@dataclass(frozen=True)
class Sampling:
    """The options that say how pictures are sampled, under the names that requests have for them."""

    PANEL: ClassVar = "How pictures are sampled"

    sampler: Annotated[
        str | None, typer.Option(metavar="S", autocompletion=completing.samplers, help="See attrbank samplers.")
    ] = None
    steps: Annotated[int | None, typer.Option(metavar="N", help="Sampling steps.")] = None
    guidance_scale: _Guidance = None


def spelled_out(command: Callable[..., None]) -> Callable[..., None]:
    """The command with every bundle among its parameters spelled out, in its place, as typer reads signatures."""
    signature = inspect.signature(command, eval_str=True)
    bundles: dict[str, Any] = {
        name: p.annotation for name, p in signature.parameters.items() if is_dataclass(p.annotation)
    }

    @functools.wraps(command)
    def gathering(*arguments: Any, **options: Any) -> None:
        for name, bundle in bundles.items():
            given = {field.name: options.pop(field.name) for field in fields(bundle) if field.name in options}
            options[name] = bundle(**given)
        command(*arguments, **options)

    parameters = [p for parameter in signature.parameters.values() for p in _spelled_out(parameter)]
    gathering.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return gathering


def _spelled_out(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    """One parameter for each field of a bundle; any other parameter is itself."""
    bundle = parameter.annotation
    if not is_dataclass(bundle):
        yield parameter
        return
    hints, panel = get_type_hints(bundle, include_extras=True), getattr(bundle, "PANEL", None)
    for field in fields(bundle):
        if panel is not None:
            hints[field.name].__metadata__[0].rich_help_panel = panel
        yield inspect.Parameter(field.name, parameter.kind, default=field.default, annotation=hints[field.name])


def reference_of(model: str, config: str | None) -> str:
    """The text that means a model, with the configuration of a single file in it."""
    return model if config is None else f"{model}{short_names.CONFIG_MARK}{config}"


def backbone_of(backbone: str | None, config: str | None) -> str | None:
    """What ``--backbone`` and ``--config`` mean together.

    Raises:
        typer.BadParameter: there is a configuration and no file.
    """
    if backbone is None and config is not None:
        raise typer.BadParameter("--config belongs to --backbone FILE.safetensors.")
    return None if backbone is None else reference_of(backbone, config)
