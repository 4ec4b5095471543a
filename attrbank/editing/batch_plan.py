"""Which pictures a batch consists of, what each is called and what each costs; no model is loaded, and no torch."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attrbank import files
from attrbank.editing.plan import Plan, plan
from attrbank.editing.request import ApplyRequest
from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError
from attrbank.pictures.output_names import check_template, fill_in, slug
from attrbank.pictures.png_text import read_recipe_text
from attrbank.text import printable

MAX_PICTURES = 100_000


@dataclass(frozen=True, kw_only=True)
class BatchRequest:
    """Every combination of pictures, prompts and seeds, with the same attributes.

    Attributes:
        common: what all have in common; its ``output`` may be a template.
        images: to edit; none generates pictures.
        prompts: none means the common one.
        seeds: likewise.

    Raises:
        InvalidValueError: the template is none, or there are too many combinations.
    """

    common: ApplyRequest
    images: tuple[Path, ...] = ()
    prompts: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_template(self.template)
        count = max(1, len(self.images)) * max(1, len(self.prompts)) * max(1, len(self.seeds))
        if count > MAX_PICTURES:
            raise InvalidValueError(f"A batch has at most {MAX_PICTURES:,} pictures, not {count:,}.")

    @property
    def template(self) -> str:
        """As asked, else one that names what varies."""
        if self.common.output is not None:
            return str(self.common.output)
        varies = [("{name}", self.images), ("{attributes}", True), ("{prompt}", self.prompts)]
        parts = [key for key, wanted in varies if wanted]
        return "_".join(parts if self.images and not self.seeds else [*parts, "seed{seed}"]) + ".png"


@dataclass(frozen=True)
class Item:
    """One picture of a batch.

    Attributes:
        planned: what it will be.
        output: its name.
        numbered: whether nobody asked for that name, so that a picture that has it keeps it.
    """

    planned: Plan
    output: Path
    numbered: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The item of ``apply --plan --json``."""
        return {**self.planned.as_dict(), "output": str(self.output)}


def batch_items(request: BatchRequest) -> list[Item]:
    """All pictures, planned and named; what the same batch made before, in the folder of its inputs, is no input.

    Raises:
        InvalidValueError: two pictures would have one name, one would replace an input, or a name could lead elsewhere.
        AttrbankError: see ``plan.plan``, which fails for all pictures alike.
    """
    common = request.common
    asked = [replace(common, prompt=prompt) for prompt in request.prompts] or [common]  # which checks every prompt
    first = plan(asked[0])
    plans = [first, *(first.under(one.prompt or "") for one in asked[1:])]
    images, seeds = request.images or (common.image,), request.seeds or (plans[0].seed,)
    items = [
        Item(each, _output(request.template, each, number), numbered=common.output is None)
        for number, each in enumerate(
            (replace(p, image=i, seed=s) for i, p, s in itertools.product(images, plans, seeds)), 1
        )
    ]
    _refuse_one_name_for_two(items)
    items = _without_own_pictures(items)
    _refuse_lost_inputs(items)
    return items


def read_prompts(path: Path) -> tuple[str, ...]:
    """The lines of a text file that are not blank.

    Raises:
        NotFoundError: there is no such file, or it holds no prompts.
        InvalidValueError: it is not UTF-8 text.
        StorageError: it cannot be read.
    """
    shown = printable(str(path))
    if not os.path.isfile(path):
        raise NotFoundError(f"There is no file {shown}.")
    try:
        with files.reading(path):
            lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidValueError(f"{shown} is not UTF-8 text.") from error
    # Editors put a byte order mark before the first line, and files that are joined have one on the way.
    stripped = (line.strip().removeprefix("\ufeff").strip() for line in lines)
    prompts = tuple(line for line in stripped if line)
    if not prompts:
        raise NotFoundError(f"There are no prompts in {shown}.", hint="Write one on each line.")
    return prompts


def _output(template: str, planned: Plan, number: int) -> Path:
    values = {
        "attributes": "+".join(turn.entry.name for turn in planned.turns)[:100],
        "prompt": slug(planned.prompt),
        "seed": str(planned.seed),
        "number": str(number),
    }
    return fill_in(template, {"name": values["attributes"] if planned.image is None else planned.image.stem, **values})


def _without_own_pictures(items: list[Item]) -> list[Item]:
    made_of = {_real(item.output): item.planned.image for item in items}

    def is_own(image: Path | None) -> bool:
        if image is None:
            return False
        place = _real(image)
        unnumbered = place.with_name(re.sub(r"-[0-9]+$", "", place.stem) + place.suffix)
        made = made_of.get(place, made_of.get(unnumbered, image))
        return made != image and _has_recipe(image)

    own = {image for image in {item.planned.image for item in items} if is_own(image)}
    return [item for item in items if item.planned.image not in own]


def _real(path: Path) -> Path:
    """Where it leads; a link that leads to itself is no reason to stop."""
    return Path(os.path.realpath(path))


def _has_recipe(image: Path) -> bool:
    try:
        return bool(read_recipe_text(image))
    except AttrbankError:
        return False


def _refuse_lost_inputs(items: list[Item]) -> None:
    inputs = {_real(path) for item in items for path in (item.planned.image, item.planned.mask) if path}
    for item in items:
        if _real(item.output) in inputs:
            raise InvalidValueError(
                f"{printable(str(item.output))} would replace a picture that the batch is made of.",
                hint="Give it another name, or write to another folder.",
            )


def _refuse_one_name_for_two(items: list[Item]) -> None:
    output, count = Counter(item.output for item in items).most_common(1)[0]
    if count > 1:
        raise InvalidValueError(
            f"{count} pictures of the batch would be called {printable(str(output))}.",
            hint="Let -o tell them apart, as in -o '{name}_{prompt}_{seed}.png', or by {number}.",
        )
