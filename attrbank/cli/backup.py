"""``attrbank backup``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption
from attrbank.errors import PartialError
from attrbank.store.bank import Bank


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="Where to, or with --restore, where from.")],
    *,
    restore: Annotated[bool, typer.Option("--restore", help="Fill an empty bank from the file.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Copy the whole bank to one file, or back. Trash, cards, notes and previews are in it, the starter bank is not.

    Exits with 11 if damaged attributes or notes had to be left out.
    """
    opened = Bank.open(bank)
    if restore:
        _tell(file, opened.restore_backup(file), (), as_json)
        return
    count, left_out = opened.backup(file, over=force)
    _tell(file, count, left_out, as_json)
    if left_out:
        raise PartialError(
            f"{len(left_out)} damaged attributes or notes are not in it.", "See: attrbank verify --repair"
        )


def _tell(file: Path, count: int, left_out: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        terminal.document({"file": str(file), "attributes": count, "left_out": list(left_out)})
    else:
        terminal.lines([str(file)])
        terminal.say(f"{count} attributes, those in the trash included.")
