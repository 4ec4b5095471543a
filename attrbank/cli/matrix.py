"""``attrbank matrix``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.completing import attributes
from attrbank.cli.measuring import CommonPromptOption, Pictures
from attrbank.cli.options import (
    BackboneOption,
    BankOption,
    JsonOption,
    OnOption,
    Sampling,
    Where,
    executor_of,
    spelled_out,
)
from attrbank.cli.progress_bar import progress_bar
from attrbank.store.bank import Bank

if TYPE_CHECKING:  # help must not wait for torch
    from attrbank.evaluation.pairings import MatrixRequest
    from attrbank.schema.measured import Estimate, Group, Matrix

PAIR_COLUMNS = ("ATTRIBUTE", "BESIDE", "PICTURES", "ALONE", "TOGETHER", "GAIN", "SURVIVAL", "ORDER", "")
GROUP_COLUMNS = ("AT ONCE", "RULE", "SETS", "SUCCESS", "DISTANCE", "DAMAGE")


@spelled_out
def matrix(
    references: Annotated[
        list[str], typer.Argument(metavar="REF", autocompletion=attributes, help="Two attributes or more.")
    ],
    *,
    pictures: Pictures,
    largest: Annotated[int, typer.Option(metavar="N", min=1, help="The most attributes at once.")] = 4,
    prompt: CommonPromptOption = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Go on here when stopped.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep it in the bank, for apply to warn of bad pairs.")] = False,
    as_json: JsonOption = False,
    on: OnOption = None,
    backbone: BackboneOption = None,
    where: Where,
    sampling: Sampling,
    bank: BankOption = None,
) -> None:
    """Measure how attributes go together.

    In pairs, in both orders, and several at once by three rules; docs/evaluation.md says what the figures mean.
    """
    from attrbank.evaluation.pairings import MatrixRequest

    request = MatrixRequest(
        references=tuple(references),
        seeds=pictures.parsed_seeds(),
        split=pictures.split,
        judge=pictures.judge,
        largest=largest,
        prompt=prompt,
        out=out,
        backbone=backbone,
        placement=where.placement(),
        **vars(sampling),
        bank=bank,
    )
    measured = _measured(request, on, save=save)
    if as_json:
        terminal.document(measured.model_dump(mode="json"))
    else:
        terminal.table(PAIR_COLUMNS, _pair_rows(measured))
        terminal.lines([""])
        told = any(group.damage for group in measured.groups)
        width = len(GROUP_COLUMNS) - (not told)
        terminal.table(GROUP_COLUMNS[:width], (row[:width] for row in _group_rows(measured)))


def _measured(request: MatrixRequest, on: str | None, *, save: bool) -> Matrix:
    from attrbank.evaluation.pairings import measure_matrix

    executor = executor_of(on)
    bank = Bank.open(request.bank)
    if save:
        bank.require_writable()
    with progress_bar() as report:
        found = measure_matrix(request, executor=executor, on_progress=report, on_warning=terminal.warn)
    if save:
        bank.measurements.keep_matrix(found)
    return found


def _pair_rows(found: Matrix) -> Iterator[tuple[object, ...]]:
    for pair in found.pairs:
        figures = (pair.alone, pair.together, pair.gain, pair.survival)
        order = f"{pair.order.value:.2f}"
        names = (found.names[pair.of], found.names[pair.given])
        yield (*names, pair.pictures, *figures, order, "bad" if pair.bad else "")


def _group_rows(found: Matrix) -> Iterator[tuple[object, ...]]:
    """One row for every number of attributes and rule: the mean over sets."""

    def kind(group: Group) -> tuple[int, str]:
        return len(group.ids), group.rule

    for (size, rule), several in groupby(sorted(found.groups, key=kind), kind):
        groups = list(several)
        success, distance = _mean([g.success for g in groups], 2), _mean([g.perceptual for g in groups], 3)
        yield size, rule, len(groups), success, distance, _mean([g.damage for g in groups], 2)


def _mean(estimates: Sequence[Estimate | None], digits: int) -> str | None:
    """Over those that there are."""
    values = [estimate.value for estimate in estimates if estimate]
    return f"{sum(values) / len(values):.{digits}f}" if values else None
