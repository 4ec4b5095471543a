"""What the controls say, said elsewhere: as a command, as Python, and back from a picture's recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrbank.learning.run import DEFAULT_BACKBONE
from attrbank.schema.carried import Recipe
from attrbank.text import quoted
from attrbank.ui.asked import Slider, Wish


def command_of(wish: Wish, options: Mapping[str, Any], bank: Path | None) -> str:
    """The ``attrbank apply`` that draws a wish, quoted for a POSIX shell."""
    words = ["attrbank", "apply", *wish.texts]
    for name, value in _said(wish, options, bank):
        option = "-i" if name == "image" else f"--{name.replace('_', '-')}"
        words += [option] if value is True else [option, _number(value) if isinstance(value, float) else str(value)]
    return " ".join(map(quoted, words))


def python_of(wish: Wish, options: Mapping[str, Any], bank: Path | None) -> str:
    """The same in Python."""
    given = [repr(text) for text in wish.texts]
    given += [f"{name}={value!r}" for name, value in _said(wish, options, bank)]
    return f"import attrbank\n\npicture = attrbank.apply({', '.join(given)})\npicture.save()"


def wish_of(recipe: Recipe, image: str | None, mask: str | None) -> Wish:
    """The controls as they stood when a picture was made.

    Args:
        recipe: of the picture.
        image: the key of the picture that it was made of.
        mask: likewise.
    """
    turns = recipe.steps_applied
    cores = {turn.core for turn in turns}
    return Wish(
        backbone=recipe.backbone,
        attributes=tuple(Slider(name=t.name, id=t.id, strength=t.strength, at=t.at) for t in turns),
        prompt=recipe.prompt,
        negative_prompt=recipe.negative_prompt or None,
        seed=recipe.seed,
        sampler=recipe.sampler,
        steps=recipe.steps,
        guidance_scale=recipe.guidance_scale,
        image=image,
        mask=mask,
        inversion=recipe.inversion,
        core=cores.pop() if len(cores) == 1 else None,
        raw=any(turn.raw for turn in turns),
        on=next((turn.on for turn in turns if turn.on), None),
        force=recipe.forced,
    )


def _said(wish: Wish, options: Mapping[str, Any], bank: Path | None) -> Iterator[tuple[str, Any]]:
    """The options that are not as they would be anyway; pictures by their names, wherever the user has them."""
    for name, value in options.items():
        if value is not None and value is not False:
            yield name, value.name if isinstance(value, Path) else value
    if wish.backbone != DEFAULT_BACKBONE:
        yield "backbone", wish.backbone
    if wish.device is not None:
        yield "device", wish.device
    if bank is not None:
        yield "bank", str(bank)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")
