"""A picture's recipe made into a request again, with what is to be otherwise; no model is loaded, and no torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrbank import files
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import parts_of
from attrbank.editing.plan import Plan
from attrbank.editing.request import ApplyRequest
from attrbank.errors import NotFoundError
from attrbank.names import Asked, parse_reference, parse_when
from attrbank.schema.carried import PictureFile, Recipe, RecipeTurn
from attrbank.text import printable


def request_of(
    recipe: Recipe, path: Path, asked: Iterable[Asked] = (), without: Iterable[str] = (), **changes: Any
) -> ApplyRequest:
    """What draws the picture again.

    Args:
        recipe: of the picture.
        path: the picture; those that it was made of are looked for beside it, then in the folder of the process.
        asked: attributes that are to come as well, or at another strength or time.
        without: names of attributes that are to go.
        changes: fields of the request that are to be otherwise; None leaves one as it was.

    Raises:
        NotFoundError: an attribute that is to go is not there, or a picture that it was made of is not to be found.
        InvalidValueError: as ``ApplyRequest``.
    """
    cores = {turn.core for turn in recipe.steps_applied}
    was = {
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt,
        "seed": recipe.seed,
        "sampler": recipe.sampler,
        "steps": recipe.steps,
        "guidance_scale": recipe.guidance_scale,
        "backbone": recipe.backbone,
        "core": cores.pop() if len(cores) == 1 else None,
        "raw": any(turn.raw for turn in recipe.steps_applied),
        "force": recipe.forced,
        "only_after": recipe.only_after,
        "inversion": recipe.inversion,
        "on": next((turn.on for turn in recipe.steps_applied if turn.on), None),
        "placement": Placement(dtype=recipe.dtype) if recipe.dtype else None,
    }
    new = {name: value for name, value in changes.items() if value is not None}
    for name, file in (("image", recipe.image), ("mask", recipe.mask)):
        if file is not None and name not in new:
            new[name] = _found(file, path)
    return ApplyRequest(references=_references(recipe.steps_applied, asked, without), **{**was, **new})


def changed_since(recipe: Recipe, planned: Plan) -> list[str]:
    """What about the model is not as it was when the picture was made, in sentences."""
    model = planned.backbone
    if model.fingerprint != recipe.fingerprint:
        return [f"{recipe.backbone} is another model than the one that made this picture"]
    now = parts_of(model)
    other = sorted(part for part, digest in recipe.parts.items() if now.get(part, digest) != digest)
    return [f"the {part} of {recipe.backbone} is another than when this picture was made" for part in other]


def _references(turns: Iterable[RecipeTurn], asked: Iterable[Asked], without: Iterable[str]) -> tuple[Asked, ...]:
    """The turns as they are asked for, by name, with those that are new behind them."""
    found: Mapping[str, Asked] = {turn.name: _asked(turn) for turn in turns}
    found = dict(found)
    for name in without:
        if name not in found:
            raise NotFoundError(f"The picture has no {printable(name)}.", hint=f"It has {', '.join(found)}.")
        del found[name]
    for new in asked:
        name = parse_reference(new.reference).name or new.reference
        found[name] = _otherwise(found[name], new) if name in found else new
    return tuple(found.values())


def _asked(turn: RecipeTurn) -> Asked:
    return Asked(f"{turn.name}@{turn.id}", turn.strength, parse_when(turn.at) if turn.at else None)


def _otherwise(was: Asked, new: Asked) -> Asked:
    """The same attribute as it was, in the version that is named if one is, with what is said of it now."""
    reference = new.reference if parse_reference(new.reference).pinned else was.reference
    strength = was.strength if new.strength is None else new.strength
    return Asked(reference, strength, was.when if new.when is None else new.when)


def _found(file: PictureFile, beside: Path) -> Path:
    """The picture of this content, by its name in one of the folders where it may be."""
    places = [folder / Path(file.name).name for folder in (beside.parent, Path())]
    for place in places:
        if os.path.isfile(place) and _sha256(place) == file.sha256:
            return place
    what = printable(file.name)
    raise NotFoundError(
        f"{what}, of which the picture was made, is not here as it was.",
        hint="Put it beside the picture, or name it with -i (a mask with --mask).",
    )


def _sha256(path: Path) -> str:
    with files.reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
