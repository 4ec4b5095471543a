"""``attrbank learn --from FILE``: many attributes, of which those that the bank has already are not learned again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from attrbank.cli import terminal
from attrbank.cli.progress_bar import Report, progress_bar, spoken
from attrbank.errors import PartialError

if TYPE_CHECKING:  # help is shown without torch
    from attrbank.diffusion.placement import Placement
    from attrbank.learning.fleet.orders import Order
    from attrbank.learning.fleet.run import Fleet, Outcome
    from attrbank.learning.run import Prepare, Stored

OF_THE_COMMAND = frozenset(
    {"from_file", "backbone", "config", "device", "dtype", "offload", "bank", "replace", "no_preview", "as_json"}
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
) -> None:
    """Learn what a file asks for, and report on each.

    Raises:
        PartialError: some failed.
    """
    with progress_bar(lines=True) as report:
        report("loading", 0, 1)  # torch alone takes seconds
        from attrbank.learning.fleet.run import Run, SheetError, by_name, read_fleet

        try:
            fleet = read_fleet(file, bank, backbone=backbone, replace=replace)
        except SheetError as error:
            for one in error.errors:
                terminal.say(one.message)
            raise
        account = _Account(fleet, bank, report, preview=preview)
        how: dict[str, Any] = {"bank": bank, "replace": replace, "load": partial(by_name, placement=placement)}
        run = Run(prepare_for=_tuned, on_stored=account.stored, on_progress=report, on_warning=terminal.warn, **how)
        outcomes = [account.ended(outcome) for outcome in run(fleet)]
    _tell(fleet, outcomes, as_json)


def _tuned(order: Order) -> Prepare | None:
    if not order.asked.tune:
        return None
    from attrbank.evaluation.tuning import tuning_of  # most attributes are learned without

    eyes = {"judge": order.asked.judge, "goal": order.asked.goal}
    return tuning_of(order.spec, order.backbone, **eyes, on_warning=terminal.warn)


class _Account:
    """Tells what comes of a fleet as it comes."""

    def __init__(self, fleet: Fleet, bank: Path | None, report: Report, *, preview: bool) -> None:
        self._started, self._ended, self._total = time.monotonic(), 0, len(fleet.orders)
        self._bank, self._report, self._preview = bank, report, preview
        if fleet.there:
            terminal.say(f"{len(fleet.there)} of {len(fleet.there) + self._total} are in the bank already.")

    def stored(self, stored: Stored) -> None:
        """Say so at once: what follows can no longer take it back."""
        terminal.say(f"Stored {stored.entry.reference}.")
        if self._preview and stored.attribute.record.pairs:
            from attrbank.evaluation.preview import preview_kept

            preview_kept(stored, self._bank, self._report, terminal.warn)

    def ended(self, outcome: Outcome) -> Outcome:
        """How far all of it is."""
        self._ended += 1
        if outcome.error:
            terminal.say(outcome.error)
        left = (time.monotonic() - self._started) / self._ended * (self._total - self._ended)
        if left:
            terminal.say(f"{self._ended} of {self._total} done, {spoken(left)} left")
        return outcome


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
