"""``attrbank export`` and ``attrbank import``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from attrbank.attribute import bundle
from attrbank.attribute.transfer import Conflict, add_attribute, beside, export_attribute, import_attribute
from attrbank.cli import terminal
from attrbank.cli.completing import attributes
from attrbank.cli.options import BackboneOption, BankOption, ConfigOption, JsonOption, ReplaceOption, backbone_of
from attrbank.errors import AttrbankError, PartialError
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.store.layout import ARTIFACT_SUFFIX

if TYPE_CHECKING:  # export does without torch
    from attrbank.attribute.artifact import LearnedAttribute

Item = TypeVar("Item")


def export(
    references: Annotated[
        list[str], typer.Argument(metavar="REF", autocompletion=attributes, help="Attributes, of any origin.")
    ],
    *,
    output: Annotated[
        Path, typer.Option("-o", metavar="DIR|FILE", help="A folder, or a file that ends in .safetensors.")
    ] = Path(),
    as_bundle: Annotated[
        bool, typer.Option("--bundle", help="Make a new folder of -o, with SHA256SUMS of all that is in it.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Copy attributes to files that can be handed on."""
    if len(references) > 1 and output.suffix == ARTIFACT_SUFFIX:
        raise typer.BadParameter("-o names one file for several attributes; name a folder.")
    opened = Bank.open(bank)
    entries, written = opened.resolve_all(references), list[str]()
    if as_bundle:
        bundle.begin(output)

    def copy(entry: Entry) -> dict[str, Any]:
        path = export_attribute(opened, entry, output, force=force, on_warning=terminal.warn)
        written.extend(file.name for file in beside(path))
        return entry.as_json() | {"output": str(path)}

    _for_each(entries, lambda entry: entry.reference, copy, "output", as_json)
    if as_bundle:
        bundle.finish(output, written)


def import_files(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|DIR", help="As attrbank export writes them, or .pt of Attribute Control."),
    ],
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call it; default as it is called.")] = None,
    replace: ReplaceOption = False,
    on_conflict: Annotated[
        Conflict, typer.Option("--on-conflict", help="If its name means another: skip, replace, or call it NAME-2.")
    ] = "refuse",
    backbone: BackboneOption = None,
    config: ConfigOption = None,
    on: Annotated[str | None, typer.Option("--on", metavar="WORD", help="Of a .pt: the word that it is for.")] = None,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Add attributes from files. A folder with SHA256SUMS is taken as a whole, if every sum is right."""
    if name is not None and (len(paths) > 1 or bundle.is_bundle(paths[0])):
        raise typer.BadParameter("--name is for one file.")
    if replace and on_conflict not in {"refuse", "replace"}:
        raise typer.BadParameter("--replace is --on-conflict replace.")
    opened = Bank.open(bank)
    found = [file for path in paths for file in (bundle.artifacts(path) if bundle.is_bundle(path) else [path])]
    from attrbank.learning.converting import converted  # export does without torch

    foreign = partial(converted, name=name, backbone=backbone_of(backbone, config), word=on)
    conflict: Conflict = "replace" if replace else on_conflict
    take(opened, found, name=name, conflict=conflict, foreign=foreign, as_json=as_json)


def take(
    bank: Bank,
    paths: Sequence[Path],
    *,
    name: str | None = None,
    conflict: Conflict,
    pulled_from: str | None = None,
    foreign: Callable[[Path], LearnedAttribute] | None = None,
    as_json: bool,
) -> None:
    """Import files, tell what came of each, and complain at the end.

    Args:
        bank: where to.
        paths: the files.
        name: as ``import_attribute`` has it, like ``conflict`` and ``pulled_from``.
        conflict: likewise.
        pulled_from: likewise; the files are then called by their names alone, because they will not stay.
        foreign: makes an attribute of a file in another's format; None takes files in ours alone.
        as_json: as of any command.

    Raises:
        PartialError: some of several failed.
        AttrbankError: the only one failed.
    """
    from attrbank.editing.usable import require_usable  # export does without torch
    from attrbank.learning.converting import is_foreign

    def described(path: Path) -> str:
        return path.name if pulled_from else str(path)

    def add(path: Path) -> dict[str, Any] | None:
        if foreign is not None and is_foreign(path):
            entry = add_attribute(bank, foreign(path), conflict)
        else:
            entry = import_attribute(
                bank,
                path,
                name=name,
                conflict=conflict,
                pulled_from=pulled_from,
                require_usable=require_usable,
                on_warning=terminal.warn,
            )
        if entry is None:
            terminal.say(f"{described(path)}: skipped, its name means another attribute.")
            return None
        return entry.as_json() | {"reference": entry.reference, "file": described(path)}

    _for_each(paths, described, add, "reference", as_json)


def _for_each(
    items: Sequence[Item],
    described: Callable[[Item], str],
    act: Callable[[Item], dict[str, Any] | None],
    field: str,
    as_json: bool,
) -> None:
    """Act on all that can be acted on, print what came of it if anything did, and only then complain about the others.

    Raises:
        PartialError: some of several failed.
        AttrbankError: the only one failed.
    """
    done, failed = [], 0
    for item in items:
        try:
            if facts := act(item):
                done.append(facts)
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
