"""The recipes that pictures carry, read without an imaging package."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from attrbank.errors import CorruptArtifactError
from attrbank.pictures.png_text import read_recipe_text
from attrbank.schema.carried import Recipe


def recipe_in(path: Path) -> Recipe:
    """The recipe that a picture carries.

    Raises:
        CorruptArtifactError: it is not one that this attrbank understands, or its chunk is damaged.
        AttrbankError: see ``png_text.read_recipe_text``.
    """
    try:
        return Recipe.model_validate_json(read_recipe_text(path))
    except ValidationError as error:
        raise CorruptArtifactError(
            "The picture's recipe is not one that this attrbank understands.",
            hint="A later attrbank, or another program, may have written it.",
        ) from error
