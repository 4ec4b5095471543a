"""``attrbank inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from attrbank.plugin import (
    BackboneOption,
    BankOption,
    CommonPromptOption,
    JsonOption,
    Sampling,
    Where,
    parse_seeds,
    parse_strengths,
    progress_bar,
    spelled_out,
    terminal,
)

if TYPE_CHECKING:  # help must not wait for torch
    from attrbank_findings.inspect import InspectRequest

What: TypeAlias = Literal["sweep", "order", "distance", "ablation", "rho"]
Numbers: TypeAlias = str | None

SEEDS: dict[What, str] = {
    "sweep": "10000-10007",
    "order": "10000-10029",
    "distance": "10000-10029",
    "ablation": "10000-10031",
    "rho": "10000-10031",
}


@spelled_out
def inspect(
    what: Annotated[What, typer.Argument(help="Which of the paper's findings.")],
    reference: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="The attribute, for ablation and rho.", show_default=False)
    ] = None,
    *,
    vector: Annotated[
        list[int] | None, typer.Option(metavar="N", help="sweep: a rank, 1 the strongest; repeatable; 1, 2 and 8.")
    ] = None,
    factors: Annotated[Numbers, typer.Option(metavar="LIST", help="sweep: of the value; 0,0.5,2.")] = None,
    times: Annotated[Numbers, typer.Option(metavar="LIST", help="sweep: shares of T; 0.9,0.6,0.3.")] = None,
    p: Annotated[int | None, typer.Option("-p", metavar="N", help="distance: vectors of a subspace; 4.")] = None,
    strengths: Annotated[Numbers, typer.Option(metavar="LIST", help="rho: 0.25,0.5,0.75,1.")] = None,
    goal: Annotated[str | None, typer.Option(metavar="NAME", help="What REF promises, if its name does not.")] = None,
    target: Annotated[str | None, typer.Option(metavar="P", help="Which prompt asks for REF's attribute.")] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="LIST", help="Of the pictures; default 8, 30 or 32 from 10000.")
    ] = None,
    prompt: CommonPromptOption = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="For the figures and pictures.")] = None,
    as_json: JsonOption = False,
    backbone: BackboneOption = None,
    where: Where,
    sampling: Sampling,
    bank: BankOption = None,
) -> None:
    """Look at singular vectors of latents as the paper does."""
    from attrbank_findings.inspect import InspectRequest

    request = InspectRequest(
        what=what,
        seeds=parse_seeds(seeds or SEEDS[what]),
        reference=reference,
        goal=goal,
        target=target,
        vectors=tuple(vector or ()) or None,
        factors=_numbers(factors),
        times=_numbers(times),
        p=p,
        strengths=_numbers(strengths),
        prompt=prompt,
        backbone=backbone,
        placement=where.placement(),
        **vars(sampling),
        out=out,
        bank=bank,
    )
    _inspect(request, as_json)


def _inspect(request: InspectRequest, as_json: bool) -> None:
    from attrbank_findings.inspect import inspect as look

    with progress_bar() as report:
        found, written = look(request, report)
    if as_json:
        terminal.document(found.figures.model_dump(mode="json"))
    else:
        terminal.table(found.columns, found.rows)
    for path in written:
        terminal.say(f"Wrote {path}")


def _numbers(text: str | None) -> tuple[float, ...] | None:
    return None if text is None else parse_strengths(text)
