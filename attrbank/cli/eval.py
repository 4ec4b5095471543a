"""``attrbank eval``."""

from __future__ import annotations

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
from attrbank.errors import PartialError
from attrbank.names import parse_strengths
from attrbank.store.bank import Bank

if TYPE_CHECKING:  # help must not wait for torch
    from attrbank.evaluation.evaluate import EvalRequest, Evaluated


@spelled_out
def evaluate(
    references: Annotated[list[str], typer.Argument(metavar="REF", autocompletion=attributes, help="Attributes.")],
    *,
    against: Annotated[
        str, typer.Option(metavar="LIST", help="baselines, all, none, or names; see docs/evaluation.md.")
    ] = "baselines",
    method: Annotated[
        list[str] | None, typer.Option(metavar="M", help="Also learn the same with this method; repeatable.")
    ] = None,
    pictures: Pictures,
    strengths: Annotated[str | None, typer.Option(metavar="LIST", help="Like 0.5,1; default a sweep.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Take fewer strengths.")] = False,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A registered metric to take as well; repeatable.")
    ] = None,
    goal: Annotated[str | None, typer.Option(metavar="NAME", help="What they promise, if their names do not.")] = None,
    prompt: CommonPromptOption = None,
    target: Annotated[str | None, typer.Option(metavar="P", help="Asks for the same, if no pair does.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="For figures.json and report.html.")] = None,
    card: Annotated[bool, typer.Option("--card", help="Keep what is found on each attribute's card.")] = False,
    as_json: JsonOption = False,
    on: OnOption = None,
    backbone: BackboneOption = None,
    where: Where,
    sampling: Sampling,
    bank: BankOption = None,
) -> None:
    """Measure attributes against other ways to do the same."""
    from attrbank.evaluation.evaluate import EvalRequest

    request = EvalRequest(
        references=tuple(references),
        seeds=pictures.parsed_seeds(),
        split=pictures.split,
        judge=pictures.judge,
        against=tuple(name.strip() for name in against.split(",")),
        methods=tuple(method or ()),
        strengths=None if strengths is None else parse_strengths(strengths),
        quick=quick,
        metrics=tuple(metric or ()),
        goal=goal,
        prompt=prompt,
        target=target,
        backbone=backbone,
        placement=where.placement(),
        **vars(sampling),
        out=out,
        bank=bank,
    )
    _tell(_evaluated(request, on, keep_cards=card), out, as_json)


def _evaluated(request: EvalRequest, on: str | None, *, keep_cards: bool) -> Evaluated:
    from attrbank.evaluation.evaluate import evaluate as measure
    from attrbank.evaluation.report.fill_cards import cards_of

    executor = executor_of(on)
    bank = Bank.open(request.bank)
    if keep_cards:
        bank.require_writable()
    with progress_bar() as report:
        evaluated = measure(request, executor=executor, on_progress=report, on_warning=terminal.warn)
    for card in cards_of(evaluated.figures) if keep_cards else ():
        bank.measurements.keep_card(card)
    return evaluated


def _tell(evaluated: Evaluated, out: Path | None, as_json: bool) -> None:
    from attrbank.evaluation.report import tables

    figures = evaluated.figures
    if as_json:
        terminal.document(figures.model_dump(mode="json"))
    else:
        terminal.table(tables.columns(figures), tables.rows(figures))
    if out is not None:
        terminal.say(f"The report is {out}/report.html.")
    if evaluated.failed:
        raise PartialError(f"Not measured: {', '.join(evaluated.failed)}.")
