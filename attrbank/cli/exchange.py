"""``attrbank export`` and ``attrbank import``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from attrbank.attribute.transfer import export_attribute, import_attribute
from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption, ReplaceOption
from attrbank.errors import AttrbankError, PartialError
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.store.layout import ARTIFACT_SUFFIX

Item = TypeVar("Item")


def export(
    references: Annotated[list[str], typer.Argument(metavar="REF", help="Attributes, of any origin.")],
    *,
    output: Annotated[
        Path, typer.Option("-o", metavar="DIR|FILE", help="A folder, or a file that ends in .safetensors.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Copy attributes to files that can be handed on."""
    if len(references) > 1 and output.suffix == ARTIFACT_SUFFIX:
        raise typer.BadParameter("-o names one file for several attributes; name a folder.")
    opened = Bank.open(bank)

    def copy(entry: Entry) -> dict[str, Any]:
        return entry.as_json() | {"output": str(export_attribute(opened, entry, output, force=force))}

    _for_each(opened.resolve_all(references), lambda entry: entry.reference, copy, "output", as_json)


def import_files(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE", help="As attrbank export writes them.")],
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call it; default as it is called.")] = None,
    replace: ReplaceOption = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Add attributes from files."""
    if name is not None and len(paths) > 1:
        raise typer.BadParameter("--name is for one file.")
    opened = Bank.open(bank)

    from attrbank.editing.usable import require_usable  # export does without torch

    def add(path: Path) -> dict[str, Any]:
        entry = import_attribute(opened, path, name=name, replace=replace, require_usable=require_usable)
        return entry.as_json() | {"reference": entry.reference, "file": str(path)}

    _for_each(paths, str, add, "reference", as_json)


def _for_each(
    items: Sequence[Item],
    described: Callable[[Item], str],
    act: Callable[[Item], dict[str, Any]],
    field: str,
    as_json: bool,
) -> None:
    """Act on all that can be acted on, print what came of it, and only then complain about the others.

    Raises:
        PartialError: some of several failed.
        AttrbankError: the only one failed.
    """
    done, failed = [], 0
    for item in items:
        try:
            done.append(act(item))
        except AttrbankError as error:
            if len(items) == 1:
                raise
            failed += 1
            terminal.say(f"{described(item)}: {error.message}")
    if as_json:
        terminal.document(done)
    else:
        terminal.lines(str(facts[field]) for facts in done)
    if failed:
        raise PartialError(f"{failed} of {len(items)} failed.")
