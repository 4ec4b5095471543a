"""``attrbank learn --from FILE``: many attributes, of which those that the bank has already are not learned again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from attrbank.cli import terminal
from attrbank.cli.progress_bar import Report, progress_bar
from attrbank.errors import PartialError

if TYPE_CHECKING:  # help is shown without torch
    from attrbank.diffusion.placement import Placement
    from attrbank.learning.fleet.read import Fleet
    from attrbank.learning.fleet.run import Run
    from attrbank.learning.fleet.writer import Outcome
    from attrbank.store.entry import Entry

OF_THE_COMMAND = frozenset(
    {"from_file", "on", "backbone", "config", "device", "dtype", "offload", "bank", "replace", "no_preview", "as_json"}
)
"""Options that a file leaves to the command; all others are its own."""


def refuse_what_the_file_says(context: typer.Context) -> None:
    """Refuse options that only a file can give to each of its attributes.

    Raises:
        typer.BadParameter: there is one.
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE" and parameter.name not in OF_THE_COMMAND:
            raise typer.BadParameter(f"{parameter.opts[0]} is for the file to say, of each attribute or in [defaults].")


def learn_file(
    file: Path,
    *,
    bank: Path | None,
    backbone: str | None,
    placement: Placement | None,
    replace: bool,
    preview: bool,
    as_json: bool,
    on: str | None = None,
) -> None:
    """Learn what a file asks for, and report on each.

    Raises:
        PartialError: some failed.
    """
    with progress_bar(lines=True) as report:
        report("loading", 0, 1)  # torch alone takes seconds
        from attrbank.editing.usable import require_usable
        from attrbank.evaluation.fleet_work import TARGET
        from attrbank.learning.fleet.read import SheetError, read_fleet
        from attrbank.learning.fleet.run import Run
        from attrbank.learning.fleet.work import Common
        from attrbank.plugins.manager import load_plugins

        executor = load_plugins().executor(on)
        try:
            fleet = read_fleet(file, bank, backbone=backbone, replace=replace)
        except SheetError as error:
            for one in error.errors:
                terminal.say(one.message)
            raise
        common = Common(preview=preview, **(vars(placement) if placement else {}))
        how: dict[str, Any] = {"bank": bank, "replace": replace, "executor": executor, "common": common}
        run = Run(target=TARGET, require_usable=require_usable, on_warning=terminal.warn, **how)
        _follow(run, fleet, report)
        outcomes = run(fleet)
    _tell(fleet, outcomes, as_json)


def _follow(run: Run, fleet: Fleet, report: Report) -> None:
    """Tell what comes of a fleet as it comes: in one display how far all of it is, and in a line what is over."""

    def stored(entry: Entry) -> None:
        terminal.say(f"Stored {entry.reference}.")  # at once: what follows can no longer take it back

    def ended(outcome: Outcome) -> None:
        if outcome.error:
            terminal.say(outcome.error)

    total = len(fleet.orders)
    run.on_stored, run.on_ended = stored, ended
    run.on_progress = lambda standing: report("learning", standing.ended, total, str(standing))
    if fleet.there:
        terminal.say(f"{len(fleet.there)} of {len(fleet.there) + total} are in the bank already.")


def _tell(fleet: Fleet, outcomes: Sequence[Outcome], as_json: bool) -> None:
    if as_json:
        there = [{"name": it.partition("@")[0], "reference": it, "status": "there"} for it in fleet.there]
        terminal.document([*there, *(vars(outcome) for outcome in outcomes)])
    else:
        terminal.lines([*fleet.there, *(outcome.reference for outcome in outcomes if outcome.reference)])
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    if failed:
        raise PartialError(
            f"{failed} of {len(outcomes) + len(fleet.there)} attributes failed.",
            hint="The same command learns only those that are missing.",
        )
