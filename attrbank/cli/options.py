"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from attrbank.diffusion.placement import Dtype, Placement
from attrbank.plugins import short_names as shortnames

BankOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--bank",
        metavar="DIR",
        readable=False,  # the store says what is wrong with a folder, in whatever way it is named
        help="The bank; default ATTRBANK_BANK, then the user's data directory.",
    ),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ReferenceArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="REF", help="NAME, NAME@ID-PREFIX or ID-PREFIX (6 digits or more).")
]
BackboneOption: TypeAlias = Annotated[
    str | None, typer.Option("--backbone", metavar="B", help="A name, a folder, a file or a hub id.")
]
ConfigOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--config", metavar="DIR", help="For a single file: a model of its kind, for its configuration."),
]
DeviceOption: TypeAlias = Annotated[
    str | None, typer.Option("--device", metavar="D", help="Where networks run: cpu, cuda, cuda:1, mps.")
]
DtypeOption: TypeAlias = Annotated[Dtype | None, typer.Option("--dtype", help="Precision of the networks.")]
OffloadOption: TypeAlias = Annotated[
    bool, typer.Option("--offload", help="Keep on the device only the network at work.")
]
SamplerOption: TypeAlias = Annotated[str | None, typer.Option("--sampler", metavar="S", help="See attrbank samplers.")]
StepsOption: TypeAlias = Annotated[int | None, typer.Option("--steps", metavar="N", help="Sampling steps.")]
GuidanceOption: TypeAlias = Annotated[
    float | None, typer.Option("--guidance-scale", metavar="G", help="Classifier-free guidance; 1 is none.")
]


def placement(device: str | None, dtype: Dtype | None, offload: bool) -> Placement | None:
    """Where the user wants networks to run; None if no option says so."""
    wishes = Placement(device=device, dtype=dtype, offload=offload)
    return None if wishes == Placement() else wishes


def reference_of(model: str, config: str | None) -> str:
    """The text that means a model, with the configuration of a single file in it."""
    return model if config is None else f"{model}{shortnames.CONFIG_MARK}{config}"


def backbone_of(backbone: str | None, config: str | None) -> str | None:
    """What ``--backbone`` and ``--config`` mean together.

    Raises:
        typer.BadParameter: there is a configuration and no file.
    """
    if backbone is None and config is not None:
        raise typer.BadParameter("--config belongs to --backbone FILE.safetensors.")
    return None if backbone is None else reference_of(backbone, config)
