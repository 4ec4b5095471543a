"""Many pictures with one model, loaded once: finished ones are skipped, and a failure stops no other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from attrbank.diffusion.protocols import precision_of
from attrbank.editing.batch_plan import BatchRequest, Item, batch_items
from attrbank.editing.retouching import GivenFiles
from attrbank.editing.run import Editor, OnStep, recipe
from attrbank.errors import AttrbankError
from attrbank.files import make_folder, sweep
from attrbank.pictures.png_text import read_recipe_text
from attrbank.pictures.write import numbers, require_writable
from attrbank.schema.carried import Recipe

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class BatchOutcome:
    """What became of one picture of a batch.

    Attributes:
        item: which.
        status: "skipped" if its file was there already, made by the same recipe.
        facts: of the run, as ``apply --json`` has them.
        error: why it failed.
    """

    item: Item
    status: Status
    facts: dict[str, Any] | None = None
    error: AttrbankError | None = None

    def as_dict(self) -> dict[str, Any]:
        """The item of ``apply --json``: the picture's facts, and what went wrong with a failed one."""
        facts = {"status": self.status, **(self.facts or self.item.as_dict())}
        if self.error is None:
            return facts
        return {**facts, "error": self.error.message, "exit_code": self.error.exit_code}


def apply_all(request: BatchRequest, *, on_step: OnStep = lambda done, total: None) -> list[BatchOutcome]:
    """Make every picture of a batch.

    Args:
        request: which.
        on_step: called with the denoising steps done and their total, over the whole batch.

    Raises:
        AttrbankError: what concerns all pictures, such as an unknown attribute, a model that cannot be loaded, or a
            place where nothing can be written. What concerns one is in its outcome.
    """
    items = batch_items(request)
    for item in items:
        require_writable(item.output, makes_folder=True)
    for folder in {item.output.parent for item in items}:
        sweep(folder)
    precision_of(items[0].planned.backbone, request.common.placement)  # what cannot run there fails for all
    editor = cache(lambda: Editor(items[0].planned, request.common.placement))
    steps = [item.planned.denoising_steps for item in items]
    outcomes = []
    for number, item in enumerate(items):
        outcomes.append(_outcome(item, editor, partial(_onward, on_step, sum(steps[:number]), sum(steps))))
        on_step(sum(steps[: number + 1]), sum(steps))
    return outcomes


def _onward(on_step: OnStep, before: int, total: int, done: int, _total_of_one: int) -> None:
    """Report one picture's progress as the batch's."""
    on_step(before + done, total)


def _outcome(item: Item, editor: Callable[[], Editor], on_step: OnStep) -> BatchOutcome:
    try:
        files = GivenFiles.read(item.planned)
        made_by = recipe(item.planned, files)
        for path in _places(item):
            if _is_finished(path, made_by):
                return BatchOutcome(replace(item, output=path), "skipped")
        given = files.decoded()
    except AttrbankError as error:
        return BatchOutcome(item, "failed", error=error)
    ready = editor()
    try:
        make_folder(item.output.parent)
        done = ready.apply(item.planned, given, item.output, on_step, numbered=item.numbered)
        return BatchOutcome(replace(item, output=done.output), "done", done.as_dict())
    except AttrbankError as error:
        return BatchOutcome(item, "failed", error=error)


def _places(item: Item) -> Iterator[Path]:
    """Where the picture may be already: under its name, or under a number where the name was taken."""
    if not item.numbered:
        return iter([item.output])
    return itertools.takewhile(lambda path: path.exists(), numbers(item.output))


def _is_finished(path: Path, made_by: Recipe) -> bool:
    """Whether the picture is there and says that this very recipe made it; files are replaced whole or not at all."""
    try:
        return Recipe.model_validate_json(read_recipe_text(path)) == made_by
    except (AttrbankError, ValueError):
        return False
