"""The ``attrbank`` command: a table of lazy commands, and one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from attrbank.cli import streams
from attrbank.cli.failure import exit_code_of
from attrbank.cli.help import Sectioned, in_panels, write_examples, write_panels
from attrbank.cli.plain import plain_app
from attrbank.cli.slips import corrected
from attrbank.names import VERSION
from attrbank.plugins.built_ins import COMMANDS
from attrbank.plugins.hookspecs import Spec

_BUILT_IN = {command.name: command for command in COMMANDS}


def built_in(name: str) -> Any:
    """The command of that name that comes with attrbank, imported now; None if there is none."""
    if name not in _BUILT_IN:
        return None
    module, _, function = _BUILT_IN[name].target.partition(":")
    return command_of(name, getattr(import_module(module), function))


class LazyGroup(TyperGroup):
    """Knows each command's name and summary from the start, and imports the one that is invoked.

    A name that is not built in loads the plugins, and nothing else does: ``--help`` stays quick.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands.update({command.name: _placeholder(command) for command in COMMANDS})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the real command in the place of its placeholder, then let typer resolve the name."""
        self._load(args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """By what they are for, with examples at the end."""
        write_panels(in_panels(self.commands), formatter)
        write_examples("", formatter)

    def _load(self, name: str) -> None:
        if found := built_in(name):
            self.commands[name] = found
            return
        from attrbank.plugins.manager import load_plugins

        manager = load_plugins()
        for spec, _ in manager.registrations("command"):
            self.commands.setdefault(spec.name, _placeholder(spec))
        if name in self.commands:
            self.commands[name] = command_of(name, manager.command(name))


app = plain_app(cls=LazyGroup, add_completion=True)


@app.callback(invoke_without_command=True)
def attrbank(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Learn, keep and apply named attributes for latent diffusion models."""
    if version:
        print(f"attrbank {VERSION}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the command line of this process, as ``attrbank`` and ``python -m attrbank`` do, and exit with its code."""
    streams.prepare()
    code = run()
    streams.finish()
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; whatever goes wrong is one sentence on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)  # for who proposes to add some
    try:
        result = get_command(app).main(args=arguments, prog_name="attrbank", standalone_mode=False, obj=words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _reader_has_gone()
    except Exception as error:
        return exit_code_of(error, lambda: corrected(words, built_in))
    return result if isinstance(result, int) else 0


def _reader_has_gone() -> int:
    """Give the interpreter's last flush somewhere to go, so that ``attrbank list | head -1`` ends in silence."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _placeholder(command: Spec) -> TyperCommand:
    return TyperCommand(command.name, help=command.summary)


def command_of(name: str, target: typer.Typer | Callable[..., None]) -> Any:
    """The command itself; a target that has commands of its own is a typer application already."""
    if isinstance(target, typer.Typer):
        return get_command(target)
    single = plain_app()
    single.command(name, cls=Sectioned)(target)
    return get_command(single)
