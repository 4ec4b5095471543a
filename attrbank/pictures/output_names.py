"""Names for many pictures, from a template such as ``out/{name}_{seed}.png``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from attrbank.errors import InvalidValueError
from attrbank.text import printable

KEYS = {
    "name": "the input picture's name without its ending; without one, the attributes",
    "attributes": "the attributes, such as young+smile",
    "prompt": "the prompt's letters and digits, joined by hyphens",
    "seed": "the seed",
    "number": "the picture's number in the batch, from 1",
}
LONGEST = 100
_BRACES = re.compile(r"\{([^{}]*)\}")
_HOSTILE = re.compile(r"[/\\]|^\.|^$")


def is_template(output: str) -> bool:
    """Whether an output names several pictures."""
    return "{" in output or "}" in output


def check_png(output: Path | None) -> None:
    """Refuse a name, or a template of names, that promises another format.

    Raises:
        InvalidValueError: it does not end in .png.
    """
    if output is not None and output.suffix.lower() != ".png":
        hint = "Pictures are written as PNG, which holds the recipe that made them."
        raise InvalidValueError(f"The output {printable(str(output))!r} does not end in .png.", hint)


def check_template(template: str) -> None:
    """Refuse a template that could not be filled in.

    Raises:
        InvalidValueError: it has unknown keys or lone braces.
    """
    rest = _BRACES.sub(lambda found: "" if found[1] in KEYS else "{", template)
    if "{" in rest or "}" in rest:
        raise InvalidValueError(
            f"{printable(template)!r} is not an output template.",
            hint=f"The keys are {', '.join(f'{{{key}}}' for key in KEYS)}.",
        )


def fill_in(template: str, values: Mapping[str, str]) -> Path:
    """The path of one picture; what is filled in never adds a folder or changes one.

    Raises:
        InvalidValueError: a value that is used is missing, too long, or could lead elsewhere.
    """

    def value(found: re.Match[str]) -> str:
        key = found[1]
        if key not in values:
            raise InvalidValueError(f"There is no {{{key}}} to name a picture by here.")
        if not values[key].isprintable() or len(values[key]) > LONGEST or _HOSTILE.search(values[key]):
            raise InvalidValueError(f"{printable(values[key][:LONGEST])!r} cannot be part of a file's name.")
        return values[key]

    return Path(_BRACES.sub(value, template))


def slug(text: str) -> str:
    """A text's letters and digits, in lower case and joined by hyphens; at most 60 characters."""
    words = re.findall(r"[^\W_]+", text.lower())
    return "-".join(words)[:60].strip("-") or "empty"
