"""Which kinds of models can be loaded: a folder's ``model_index.json`` names its pipeline, and that decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple

from attrbank.backbones.parts.folder import BackboneFolder, read_json
from attrbank.backbones.sources import Source, resolve
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Backbone
from attrbank.errors import AttrbankError, IncompatibleError


class Family(NamedTuple):
    """One kind of model.

    Attributes:
        name: recorded in artifacts: models of one family may be forced to share attributes.
        pipelines: the ``_class_name`` that ``model_index.json`` may have.
        describe: ``module:function`` of (reference, folder, index), which gives the ``BackboneFolder``. The module
            imports neither torch nor diffusers: plans wait for it.
        load: ``module:class`` of (description, placement), which gives the ``Backbone``.
        single_files: whether ``describe`` takes a checkpoint file, too, and ``load`` can read it.
    """

    name: str
    pipelines: tuple[str, ...]
    describe: str
    load: str
    single_files: bool = False


FAMILIES = (
    Family(
        "stable_diffusion",
        ("StableDiffusionPipeline", "LatentConsistencyModelPipeline"),
        describe="attrbank.backbones.stable_diffusion.describe:describe",
        load="attrbank.backbones.stable_diffusion.load:StableDiffusion",
        single_files=True,
    ),
    Family(
        "stable_diffusion_xl",
        ("StableDiffusionXLPipeline",),
        describe="attrbank.backbones.sdxl.describe:describe",
        load="attrbank.backbones.sdxl.load:StableDiffusionXL",
        single_files=True,
    ),
    Family(
        "stable_diffusion_3",
        ("StableDiffusion3Pipeline",),
        describe="attrbank.backbones.sd3.describe:describe",
        load="attrbank.backbones.sd3.load:StableDiffusion3",
    ),
    Family(
        "flux",
        ("FluxPipeline",),
        describe="attrbank.backbones.flux.describe:describe",
        load="attrbank.backbones.flux.load:Flux",
    ),
    Family(
        "unconditional",
        ("DDPMPipeline", "DDIMPipeline", "LDMPipeline"),
        describe="attrbank.backbones.unconditional.describe:describe",
        load="attrbank.backbones.unconditional.load:Unconditional",
    ),
)

_BY_PIPELINE = {pipeline: family for family in FAMILIES for pipeline in family.pipelines}


def describe(reference: str, *, download: bool = False) -> BackboneFolder:
    """Describe the model that a reference means, without loading it; plans do not even download.

    Raises:
        NotFoundError: there is no such model, or it is not a diffusers folder.
        IncompatibleError: it is one, but not of a kind that we can load, or it is damaged.
    """
    return _described(reference, resolve(reference, download=download))[1]


def load(reference: str, placement: Placement | None = None) -> Backbone:
    """Load the model that a reference means, as it is on disk, or else from the hub.

    Args:
        reference: as the user gave it.
        placement: where its networks are to run, if not where they see fit.

    Raises:
        NotFoundError: there is no such model, or it is not a diffusers folder.
        IncompatibleError: it is of another kind, or damaged.
        InvalidValueError: it cannot run where it is to.
    """
    try:  # the hub may have another version by now than the one that a plan has described
        family, described = _described(reference, resolve(reference, download=False))
    except AttrbankError:
        family, described = _described(reference, resolve(reference))
    backbone: Backbone = _imported(family.load)(described, placement or Placement())
    return backbone


def _described(reference: str, source: Source) -> tuple[Family, BackboneFolder]:
    index = read_json(source.folder / "model_index.json")
    family = _family(reference, index)
    if source.checkpoint is not None and not family.single_files:
        raise IncompatibleError(
            f"Single files of the family {family.name} are not supported.", hint="Convert the file to a folder."
        )
    checkpoint = () if source.checkpoint is None else (source.checkpoint,)
    try:
        described: BackboneFolder = _imported(family.describe)(reference, source.folder, index, *checkpoint)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        raise IncompatibleError(f"The configuration of {reference} is malformed: {error}.") from error
    return family, replace(described, family=family.name)


def _family(reference: str, index: Mapping[str, Any]) -> Family:
    pipeline = index.get("_class_name")
    if pipeline not in _BY_PIPELINE:
        raise IncompatibleError(
            f"{reference} is made for {pipeline}, which is not supported.",
            hint=f"Models for {', '.join(_BY_PIPELINE)} are.",
        )
    return _BY_PIPELINE[pipeline]


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
