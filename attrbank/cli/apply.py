"""``attrbank apply``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from attrbank.cli import terminal
from attrbank.cli.apply_batch import apply_batch, batch_of, show_batch_plan
from attrbank.cli.completing import attributes
from attrbank.cli.options import (
    BackboneOption,
    BankOption,
    ConfigOption,
    JsonOption,
    NegativeOption,
    Sampling,
    Where,
    backbone_of,
    spelled_out,
)
from attrbank.cli.progress_bar import progress_bar
from attrbank.editing.request import ApplyRequest
from attrbank.names import parse_asked
from attrbank.schema.choices import Core, Inversion

if TYPE_CHECKING:  # help is shown without plugins
    from attrbank.editing.plan import Plan

MoreWarnings: TypeAlias = "Callable[[Plan], Iterable[str]]"


@spelled_out
def apply(
    references: Annotated[
        list[str],
        typer.Argument(metavar="REF[:S][@T]", autocompletion=attributes, help="Attributes, with strengths and times."),
    ],
    *,
    rho: Annotated[float | None, typer.Option(metavar="S", help="Strength where none is given; default 1.")] = None,
    prompt: Annotated[str | None, typer.Option(metavar="P", help="The first attribute's; with -i the model's.")] = None,
    negative_prompt: NegativeOption = None,
    prompts: Annotated[Path | None, typer.Option(metavar="FILE", help="A picture for every line.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The picture's seed; default 0.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="LIST", help="A picture for every seed, as 0-15.")] = None,
    image: Annotated[Path | None, typer.Option("-i", metavar="IMAGE|DIR", help="Edit this picture, or all.")] = None,
    inversion: Annotated[Inversion | None, typer.Option(help="How it becomes a latent.")] = None,
    mask: Annotated[Path | None, typer.Option(metavar="MASK", help="A picture: edit where it is white.")] = None,
    output: Annotated[Path | None, typer.Option("-o", metavar="OUT.png", help="A name, or {name}_{seed}.png.")] = None,
    only_after: Annotated[bool, typer.Option("--only-after", help="The edited picture alone.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would happen; load no model.")] = False,
    as_json: JsonOption = False,
    core: Annotated[Core | None, typer.Option(help="The core to take; default the attribute's own.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Strengths as they are, not as calibrated.")] = False,
    on: Annotated[str | None, typer.Option("--on", metavar="WORD", help="Text directions: whom they change.")] = None,
    backbone: BackboneOption = None,
    config: ConfigOption = None,
    where: Where,
    force: Annotated[bool, typer.Option("--force", help="Try it on a model of the same family.")] = False,
    sampling: Sampling,
    bank: BankOption = None,
) -> None:
    """Apply attributes to a picture, and save before and after."""
    request = ApplyRequest(
        references=tuple(parse_asked(reference) for reference in references),
        rho=rho,
        prompt=prompt,
        negative_prompt=negative_prompt,
        seed=seed,
        output=output,
        only_after=only_after,
        backbone=backbone_of(backbone, config),
        placement=where.placement(),
        force=force,
        **vars(sampling),
        core=core,
        image=image,
        inversion=inversion,
        mask=mask,
        raw=raw,
        on=on,
        bank=bank,
    )
    batch = batch_of(request, prompts, seeds)
    if batch is not None:
        (show_batch_plan if plan else apply_batch)(batch, as_json)
    elif plan:
        show_plan(request, as_json)
    else:
        apply_one(request, as_json)


def apply_one(request: ApplyRequest, as_json: bool, more: MoreWarnings = lambda planned: ()) -> None:
    """Make one picture, and tell of it; ``more`` is what the plan gives cause to warn of beside its own warnings."""
    from attrbank.editing.plan import plan

    planned = plan(request)  # what can be refused is refused before torch is imported, which takes seconds
    from attrbank.editing.run import apply as apply_attributes

    with progress_bar() as report:
        applied = apply_attributes(request, planned=planned, on_step=partial(report, "Denoising"))
    done = applied.as_dict()
    _warn(*more(applied.plan), *done["warnings"])
    if as_json:
        terminal.document(done)
        return
    for attribute in done["attributes"]:
        terminal.say(_turn_line(attribute))
    terminal.lines([str(done["output"])])


def show_plan(request: ApplyRequest, as_json: bool, more: MoreWarnings = lambda planned: ()) -> None:
    """Tell what would be made, and what that costs; ``more`` as ``apply_one`` has it."""
    from attrbank.editing.plan import plan

    found = plan(request)
    planned = found.as_dict()
    _warn(*more(found), *planned["warnings"])
    if as_json:
        terminal.document(planned)
        return
    terminal.lines([*map(_turn_line, planned["attributes"]), f"{planned['unet_evaluations']} UNet evaluations"])


def _warn(*warnings: str) -> None:
    for warning in warnings:
        terminal.warn(warning)


def _turn_line(attribute: Mapping[str, Any]) -> str:
    reference = f"{attribute['name']}@{attribute['id'][:12]}"
    at = f"@{attribute['at']}" if attribute["at"] else ""
    return f"{reference}:{terminal.number(attribute['strength'])}{at} at t = {attribute['t']}"
