"""``attrbank replay``: draw a picture of attrbank's again, as it was or with something changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from attrbank.cli.apply import apply_one, show_plan
from attrbank.cli.completing import attributes, backbones
from attrbank.cli.options import BankOption, JsonOption, NegativeOption, Sampling, Where, spelled_out
from attrbank.names import parse_asked


@spelled_out
def replay(
    picture: Annotated[Path, typer.Argument(metavar="PNG", help="A picture that attrbank made.")],
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REF[:S][@T]",
            autocompletion=attributes,
            help="Attributes to add, or to have at another strength or time.",
        ),
    ] = None,
    *,
    without: Annotated[list[str] | None, typer.Option(metavar="NAME", help="An attribute to leave out.")] = None,
    prompt: Annotated[str | None, typer.Option(metavar="P", help="Another prompt.")] = None,
    negative_prompt: NegativeOption = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Another seed.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="WORD", help="Text directions: another word.")] = None,
    image: Annotated[Path | None, typer.Option("-i", metavar="IMAGE", help="Where the edited picture is.")] = None,
    mask: Annotated[Path | None, typer.Option(metavar="MASK", help="Where the mask is.")] = None,
    output: Annotated[Path | None, typer.Option("-o", metavar="OUT.png", help="Where to.")] = None,
    only_after: Annotated[bool, typer.Option("--only-after", help="The edited picture alone.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would happen; load no model.")] = False,
    as_json: JsonOption = False,
    backbone: Annotated[
        str | None, typer.Option(metavar="B", autocompletion=backbones, help="Where the model is by now.")
    ] = None,
    where: Where,
    sampling: Sampling,
    bank: BankOption = None,
) -> None:
    """Draw a picture again from the recipe in it. Nothing is otherwise but what is asked for."""
    from attrbank.editing.replaying import changed_since, request_of  # help is shown without plugins
    from attrbank.pictures.recipes import recipe_in

    recipe = recipe_in(picture)
    request = request_of(
        recipe,
        picture,
        [parse_asked(reference) for reference in references or ()],
        without or (),
        prompt=prompt,
        negative_prompt=negative_prompt,
        seed=seed,
        on=on,
        image=image,
        mask=mask,
        output=output,
        only_after=only_after or None,
        backbone=backbone,
        placement=where.placement(),
        bank=bank,
        **vars(sampling),
    )
    (show_plan if plan else apply_one)(request, as_json, partial(changed_since, recipe))
