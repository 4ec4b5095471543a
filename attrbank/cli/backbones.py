"""``attrbank backbones``: what there is to choose from, and the short names that the user gives."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from attrbank.backbones import short_names as shortnames
from attrbank.cli import terminal
from attrbank.cli.extend import registered
from attrbank.cli.options import BankOption, ConfigOption, JsonOption, reference_of
from attrbank.cli.plain import plain_app
from attrbank.errors import InvalidValueError
from attrbank.names import validate_name
from attrbank.plugins.manager import load_plugins

backbones = plain_app()

ShortName = Annotated[str, typer.Argument(metavar="NAME", help="What you want to type, like sd15.")]


@backbones.callback(invoke_without_command=True)
def list_backbones(context: typer.Context, *, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the backbones, or give a model a short name."""
    if context.invoked_subcommand is not None:
        return
    named: list[dict[str, Any]] = [
        {"name": name, "summary": reference, "capabilities": [], "distribution": None}
        for name, reference in shortnames.read_table().items()
    ]
    terminal.registered([*registered("backbone"), *named], as_json)


@backbones.command()
def add(
    name: ShortName,
    model: Annotated[str, typer.Argument(metavar="PATH|HUB-ID", help="A hub model is fetched now.")],
    *,
    config: ConfigOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Give a name that is in use to this model.")] = False,
    bank: BankOption = None,
) -> None:
    """Give a model a short name."""
    _refuse_taken(validate_name(name), replace)
    from attrbank.backbones.families import describe
    from attrbank.backbones.sources import absolute

    reference = absolute(reference_of(model, config))
    described = describe(reference, download=True)
    shortnames.add(name, reference)
    shape = "×".join(map(str, described.latent_shape))
    terminal.say(f"{name} is {reference}: {described.family}, latents {shape}, {described.prediction_type}.")
    terminal.lines([name])


@backbones.command()
def rm(name: ShortName, *, bank: BankOption = None) -> None:
    """Forget a short name; the model stays where it is."""
    shortnames.remove(name)
    terminal.lines([name])


def _refuse_taken(name: str, replace: bool) -> None:
    if name in {spec.name for spec, _ in load_plugins().registrations("backbone")}:
        raise InvalidValueError(f"{name!r} is a registered backbone.", hint="Choose another name.")
    if name in shortnames.read_table() and not replace:
        raise InvalidValueError(f"{name!r} is a short name already.", hint="Add --replace to give it to this model.")
