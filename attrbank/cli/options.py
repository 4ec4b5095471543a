"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

BankOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--bank", metavar="DIR", help="The bank; default ATTRBANK_BANK, then the user's data directory."),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ReferenceArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="REF", help="NAME, NAME@ID-PREFIX or ID-PREFIX (6 digits or more).")
]
BackboneOption: TypeAlias = Annotated[
    str | None, typer.Option("--backbone", metavar="B", help="A registered name, a folder or a hub id.")
]
SamplerOption: TypeAlias = Annotated[str | None, typer.Option("--sampler", metavar="S", help="See attrbank samplers.")]
StepsOption: TypeAlias = Annotated[int | None, typer.Option("--steps", metavar="N", help="Sampling steps.")]
GuidanceOption: TypeAlias = Annotated[
    float | None, typer.Option("--guidance-scale", metavar="G", help="Classifier-free guidance; 1 is none.")
]
