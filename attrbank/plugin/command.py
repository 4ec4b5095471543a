"""``attrbank plugins``: what is loaded and what failed, a new plugin from a template, and the contracts on one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption
from attrbank.cli.plain import plain_app
from attrbank.errors import PluginError
from attrbank.plugin.scaffold import PLACEHOLDER, PluginKind, write_plugin
from attrbank.plugins.discovery import Plugin
from attrbank.plugins.manager import load_plugins

if TYPE_CHECKING:
    from attrbank.plugin.check import Verdict

plugins = plain_app()


@plugins.callback(invoke_without_command=True)
def list_plugins(
    context: typer.Context,
    *,
    as_json: JsonOption = False,
    requirements: Annotated[bool, typer.Option("--requirements", help="As lines for pip install -r.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With what attrbank itself registers.")] = False,
    bank: BankOption = None,
) -> None:
    """List the plugins, write a new one, or check one."""
    if context.invoked_subcommand is not None:
        return
    if as_json and requirements:
        raise typer.BadParameter("--json and --requirements exclude each other.")
    found = [plugin for plugin in load_plugins().plugins if everything or not plugin.built_in]
    if requirements:
        lines = {plugin.requirement for plugin in found if not plugin.built_in}
        terminal.lines(sorted(line for line in lines if line is not None))
    elif as_json:
        terminal.document([_described(plugin) for plugin in found])
    elif found:
        columns = ("PLUGIN", "DISTRIBUTION", "VERSION", "FROM", "HOOKS", "STATE")
        terminal.table(columns, [_row(plugin) for plugin in found])
    else:
        terminal.say("There are no plugins. Write one: attrbank plugins new NAME --kind sampler")


@plugins.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What users will type, like euler.")],
    *,
    kind: Annotated[PluginKind, typer.Option(help="What it offers.")],
    summary: Annotated[str, typer.Option(metavar="TEXT", help="What it is, in one sentence.")] = PLACEHOLDER,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Write an installable plugin with a test.

    It goes into the folder attrbank-NAME here, works as it is, and passes.
    """
    load_plugins().refuse_taken(kind, name)
    folder = write_plugin(name, kind, Path.cwd(), summary)
    if summary == PLACEHOLDER:
        terminal.say(f"Say what it is in {next(folder.glob('*/__init__.py'))}; until then the check complains.")
    terminal.say(f"Try it: pip install -e {folder.name} && attrbank plugins check {folder.name}")
    if as_json:
        terminal.document({"name": name, "kind": kind, "folder": folder.name})
    else:
        terminal.lines([folder.name])


@plugins.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder with the plugin's pyproject.toml.")],
    *,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Hold what a plugin offers against its contracts."""
    from attrbank.plugin.check import check_package

    verdicts = []
    for verdict in check_package(path):
        verdicts.append(verdict)
        if not as_json:
            _show_verdict(verdict)
    if as_json:
        terminal.document([verdict._asdict() for verdict in verdicts])
    failed = sum(verdict.error is not None for verdict in verdicts)
    if failed:
        raise PluginError(
            f"{failed} of {len(verdicts)} promises are not kept.", hint="See docs/plugins.md for the contracts."
        )


def _show_verdict(verdict: Verdict) -> None:
    terminal.lines([f"{'ok    ' if verdict.error is None else 'FAILED'}  {verdict.subject}: {verdict.promise}"])
    if verdict.error is not None:
        terminal.say(f"        {verdict.error}")


def _row(plugin: Plugin) -> tuple[str, ...]:
    hooks = " ".join(plugin.hooks) or "-"
    return plugin.name, plugin.distribution, plugin.version, plugin.location, hooks, plugin.error or "loaded"


def _described(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "entry_point": plugin.value,
        "location": plugin.location,
        "loaded": plugin.error is None,
        "error": plugin.error,
        "remove": None if plugin.built_in else plugin.remedy,
        "hooks": list(plugin.hooks),
        "registered": [{"kind": kind, "name": spec.name} for kind, spec in plugin.registered],
        "seconds": round(plugin.seconds, 3),
    }
