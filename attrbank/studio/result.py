"""What an apply gives back: the pictures before and after, and what repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

from PIL import Image
from torch import Tensor

from attrbank import files
from attrbank.editing.plan import Plan
from attrbank.editing.retouching import Drawn, GivenPictures
from attrbank.editing.run import captions, recipe
from attrbank.errors import InvalidValueError
from attrbank.pictures.output_names import check_png
from attrbank.pictures.write import create_numbered, default_name, encoded, like, require_writable
from attrbank.schema.carried import Recipe
from attrbank.studio.arguments import PathLike, path
from attrbank.studio.foreign import only_our_errors
from attrbank.text import printable


class Result:
    """A person before and after; Jupyter shows both, as ``save`` writes them.

    Args:
        planned: what was set out to do.
        given: the picture and the mask that it was done with.
        drawn: the pictures, (3, h, w) in [0, 1]; ``before`` is one of them.
        unet_evaluations: rows that the network predicted for them.

    Attributes:
        recipe: what repeats them; ``save`` puts it into the PNG.
        warnings: what the user should know.
        unet_evaluations: rows that the network predicted; a studio predicts nothing twice.
    """

    recipe: Recipe
    warnings: Sequence[str]
    unet_evaluations: int

    def __init__(self, planned: Plan, given: GivenPictures, drawn: Drawn, unet_evaluations: int) -> None:
        self.recipe, self.warnings, self.unet_evaluations = recipe(planned, given), planned.warnings, unet_evaluations
        self._drawn, self._original, self._captions = drawn, given.image, captions(planned)
        self._sources = (planned.image, planned.mask)

    @cached_property
    def before(self) -> Image.Image:
        """The picture without the attributes, in its own size."""
        before = cast(Tensor, self._drawn.before)  # it is None for ``only_after`` alone, which no result is
        return like(self._original, before)

    @cached_property
    def after(self) -> Image.Image:
        """The picture with them."""
        return like(self._original, self._drawn.after)

    def save(self, to: PathLike | None = None, *, only_after: bool = False, replace: bool = False) -> Path:
        """Write a PNG that carries the recipe, and return its path.

        Args:
            to: where to, ending in ``.png``; None is ``young+smile_seed0.png`` here, or the next free number.
            only_after: write the edited picture alone, without frame and caption.
            replace: write in the place of a file that is there.

        Raises:
            InvalidValueError: it is no PNG, is there already, or would replace a picture that this is made of.
            StorageError: it cannot be written.
        """
        with only_our_errors():
            asked = path(to, "The picture's place")
            check_png(asked)
            require_writable(asked, self._sources)
            data = self.png(only_after=only_after)
            if asked is None:
                return create_numbered(self.name, data)
            if replace:
                files.replace(asked, data)
            elif not files.create(asked, data):
                hint = "Give it another name, or say replace=True."
                raise InvalidValueError(f"{printable(str(asked))} is there already.", hint)
            return asked

    @property
    def name(self) -> Path:
        """What ``save`` calls it, if that is free."""
        return default_name(self.recipe)

    def png(self, *, only_after: bool = False) -> bytes:
        """The PNG that ``save`` writes, byte for byte."""
        made_by = self.recipe.model_copy(update={"only_after": only_after})
        before = None if only_after else self._drawn.before
        return encoded(before, self._drawn.after, self._captions, made_by, self._original)

    def _repr_png_(self) -> bytes:
        """The picture that Jupyter shows."""
        return self.png()

    def __repr__(self) -> str:
        of, edits = self._captions
        return f"<attrbank.Result: {printable(edits)} on {printable(of)}>"
