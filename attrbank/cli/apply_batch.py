"""What ``attrbank apply`` does if it is asked for several pictures."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from attrbank.cli import terminal
from attrbank.cli.progress_bar import progress_bar
from attrbank.editing.request import ApplyRequest
from attrbank.errors import PartialError
from attrbank.names import parse_seeds
from attrbank.pictures.output_names import is_template

if TYPE_CHECKING:
    from attrbank.editing.batch import BatchOutcome
    from attrbank.editing.batch_plan import BatchRequest


def batch_of(request: ApplyRequest, prompts: Path | None, seeds: str | None) -> BatchRequest | None:
    """The batch that is asked for; None if it is one picture."""
    if prompts is not None and request.prompt is not None:
        raise typer.BadParameter("--prompts and --prompt exclude each other.")
    if seeds is not None and request.seed is not None:
        raise typer.BadParameter("--seeds and --seed exclude each other.")
    folder = request.image if request.image is not None and os.path.isdir(request.image) else None
    named_by_template = request.output is not None and is_template(str(request.output))
    if not (prompts or seeds or folder or named_by_template):
        return None
    from attrbank.editing.batch_plan import BatchRequest, read_prompts  # help is shown without plugins
    from attrbank.pictures.find import pictures_in

    return BatchRequest(
        common=request,
        images=() if folder is None else tuple(pictures_in(folder)),
        prompts=() if prompts is None else read_prompts(prompts),
        seeds=() if seeds is None else parse_seeds(seeds),
    )


def show_batch_plan(request: BatchRequest, as_json: bool) -> None:
    """One line a picture, and the cost of all."""
    from attrbank.editing.batch_plan import batch_items

    items = batch_items(request)
    if as_json:
        terminal.document([item.as_dict() for item in items])
        return
    for warning in dict.fromkeys(warning for item in items for warning in item.planned.warnings):
        terminal.warn(warning)
    cost = sum(item.planned.unet_evaluations for item in items)
    terminal.lines([*(str(item.output) for item in items), f"{len(items)} pictures, {cost} UNet evaluations"])


def apply_batch(request: BatchRequest, as_json: bool) -> None:
    """Make the pictures, and report on each.

    Raises:
        PartialError: some failed.
    """
    from attrbank.editing.batch import apply_all

    with progress_bar() as report:
        outcomes = apply_all(request, on_step=partial(report, "Denoising"))
    if as_json:
        terminal.document([outcome.as_dict() for outcome in outcomes])
    else:
        _tell(outcomes)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    for outcome in failed:
        terminal.say(f"{outcome.item.output}: {outcome.error}")
    if failed:
        raise PartialError(
            f"{len(failed)} of {len(outcomes)} pictures failed.",
            hint="The same command makes only those that are missing.",
        )


def _tell(outcomes: list[BatchOutcome]) -> None:
    for warning in dict.fromkeys(warning for outcome in outcomes for warning in outcome.item.planned.warnings):
        terminal.warn(warning)
    skipped = sum(outcome.status == "skipped" for outcome in outcomes)
    if skipped:
        terminal.say(f"{skipped} pictures were there already.")
    terminal.lines(str(outcome.item.output) for outcome in outcomes if outcome.status != "failed")
