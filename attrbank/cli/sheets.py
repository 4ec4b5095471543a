"""``attrbank strip`` and ``attrbank grid``: pictures side by side, of which only what differs is run again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from attrbank.cli import terminal
from attrbank.cli.completing import attributes
from attrbank.cli.options import (
    BackboneOption,
    BankOption,
    ConfigOption,
    JsonOption,
    NegativeOption,
    OnOption,
    Sampling,
    Where,
    backbone_of,
    executor_of,
    spelled_out,
)
from attrbank.cli.progress_bar import progress_bar
from attrbank.editing.axes import FORMS, KINDS, Axis, Mark, SheetRequest, axis_of, strengths_axis
from attrbank.errors import InvalidValueError
from attrbank.names import parse_asked

SeedOption: TypeAlias = Annotated[int | None, typer.Option(metavar="N", help="The pictures' seed; default 0.")]


@dataclass(frozen=True)
class Common:
    """The options that say what all pictures of a sheet have in common, and where it goes."""

    prompt: Annotated[str | None, typer.Option(metavar="P", help="The first attribute's; with -i the model's.")] = None
    negative_prompt: NegativeOption = None
    image: Annotated[Path | None, typer.Option("-i", metavar="IMAGE", help="Edit this picture.")] = None
    output: Annotated[Path | None, typer.Option("-o", metavar="OUT.png", help="The PNG's name.")] = None
    backbone: BackboneOption = None
    config: ConfigOption = None
    bank: BankOption = None

    def fields(self, where: Where, sampling: Sampling) -> dict[str, Any]:
        """Of every picture's ``ApplyRequest``."""
        own = {name: value for name, value in vars(self).items() if name != "config"}
        model = {"backbone": backbone_of(self.backbone, self.config), "placement": where.placement()}
        return {**own, **model, **vars(sampling)}


@spelled_out
def strip(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="REF REF:S...", autocompletion=attributes, help="The attribute that varies, and others that do not."
        ),
    ],
    *,
    strengths: Annotated[str, typer.Option(metavar="S", help="FROM:TO:COUNT, or a list by commas.")] = "0:1:5",
    seeds: Annotated[str, typer.Option(metavar="LIST", help="A row for every seed, as 0-3.")] = "0",
    common: Common,
    as_json: JsonOption = False,
    on: OnOption = None,
    where: Where,
    sampling: Sampling,
) -> None:
    """Draw an attribute at several strengths, beside each other."""
    varied, *others = map(parse_asked, references)
    if varied.strength is not None:
        complaint = f"A strip varies {varied.reference}, which has a strength."
        raise InvalidValueError(complaint, hint=f"Write {varied.reference} without :S.")
    across, down = strengths_axis(references[0], strengths), axis_of(f"seed={seeds}")
    fields = common.fields(where, sampling)
    request = SheetRequest(references=tuple(others), common=fields, across=across, down=down)
    _draw(request, f"{_named(varied.reference)}_strip.png", as_json, on)


@spelled_out
def grid(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF[:S]", autocompletion=attributes, help="Attributes that all pictures have."),
    ] = None,
    *,
    x: Annotated[str, typer.Option("--x", metavar="AXIS", help=FORMS)],
    y: Annotated[str, typer.Option("--y", metavar="AXIS", help="The rows, likewise.")],
    seed: SeedOption = None,
    common: Common,
    as_json: JsonOption = False,
    on: OnOption = None,
    where: Where,
    sampling: Sampling,
) -> None:
    """Draw every combination of two things that vary. Those are strengths, attributes, prompts, seeds or samplers."""
    across, down = axis_of(x), axis_of(y)
    fields = {**common.fields(where, sampling), "seed": seed}
    given = tuple(map(parse_asked, references or ()))
    request = SheetRequest(references=given, common=fields, across=across, down=_titled(down))
    _draw(request, f"{_named(across.name)}_{_named(down.name)}_grid.png", as_json, on)


def _titled(axis: Axis) -> Axis:
    """The axis with strengths that say whose they are."""
    if axis.name in KINDS:
        return axis
    return Axis(axis.name, tuple(Mark(f"{axis.name} {mark.label}", mark.asked, mark.fields) for mark in axis.marks))


def _named(reference: str) -> str:
    return reference.partition("@")[0]


def _draw(request: SheetRequest, name: str, as_json: bool, on: str | None) -> None:
    from attrbank.editing.cells import draw_cells  # help is shown without torch

    executor = executor_of(on)

    with progress_bar() as report:
        sheet = draw_cells(request, name, partial(report, "Drawing"), executor)
    for warning in dict.fromkeys(warning for cell in sheet.cells for warning in cell.warnings):
        terminal.warn(warning)
    if as_json:
        terminal.document(sheet.as_dict())
        return
    terminal.say(f"{len(sheet.cells)} pictures, {sheet.unet_evaluations} UNet evaluations")
    terminal.lines([str(sheet.output)])
