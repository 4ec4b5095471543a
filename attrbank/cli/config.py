"""``attrbank config``: the user's settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.completing import setting_names
from attrbank.cli.options import BankOption, JsonOption
from attrbank.cli.plain import plain_app
from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.files import settings
from attrbank.store.bank import Bank

config = plain_app()

SettingArgument = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=setting_names, help=f"One of {', '.join(settings.NAMES)}.")
]


@config.callback(invoke_without_command=True)
def show_config(context: typer.Context, *, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """Show the settings, or change one."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        terminal.document({"file": str(settings.path()), "settings": _values()})
        return
    terminal.say(f"Settings stand in {settings.path()}; attrbank config set NAME VALUE changes one.")
    values = _values()
    terminal.table(("NAME", "VALUE", "MEANING"), [(name, values[name], what) for name, what in settings.NAMES.items()])


@config.command()
def get(name: SettingArgument, *, bank: BankOption = None) -> None:
    """Show one setting."""
    value = settings.get(settings.validate(name))
    if value is None:
        raise NotFoundError(f"{name} is not set.", hint=settings.NAMES[name])
    terminal.lines([value])


@config.command("set")
def change(
    name: SettingArgument,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What it is to be.")],
    *,
    bank: BankOption = None,
) -> None:
    """Change a setting. What is no model, or no place for a bank, is refused."""
    accepted = _backbone(value) if settings.validate(name) == "backbone" else _bank(value)
    settings.change(name, accepted)
    terminal.lines([accepted])


@config.command()
def unset(name: SettingArgument, *, bank: BankOption = None) -> None:
    """Forget a setting."""
    settings.change(settings.validate(name), None)
    terminal.lines([name])


def _values() -> Mapping[str, str | None]:
    return {name: settings.get(name) for name in settings.NAMES}


def _backbone(value: str) -> str:
    """A model that is there, as it reads from any folder."""
    from attrbank.backbones.sources import absolute, resolve
    from attrbank.plugins.manager import load_plugins

    if value not in {spec.name for spec, _ in load_plugins().registrations("backbone")}:
        resolve(value, download=False)
    return absolute(value)


def _bank(value: str) -> str:
    """The folder, which need not exist yet, as it reads from any other."""
    if not value:
        raise InvalidValueError("A bank is a folder, and this names none.", "attrbank config unset bank forgets it.")
    folder = Path(value).expanduser().absolute()
    Bank.open(folder).count()
    return str(folder)
