"""Pictures that were dropped on the page, and masks that were painted there: files for as long as the page lives."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from attrbank.errors import AttrbankError, NotFoundError
from attrbank.pictures.png_text import recipe_text_in
from attrbank.pictures.read import PictureData
from attrbank.schema.carried import PictureFile, Recipe
from attrbank.text import printable
from attrbank.ui.said import wish_of

MOST, ROOM = 64, 2**29
"""Pictures, and bytes of them, that are kept at once."""

LONGEST_NAME = 200
"""Bytes."""


class Dropped:
    """Pictures by their SHA-256; when there is no room, those that were used longest ago are forgotten.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._known: OrderedDict[str, tuple[Path, int]] = OrderedDict()

    def keep(self, name: str, data: bytes) -> str:
        """Keep a picture under the name that it had, and return its key.

        Raises:
            InvalidValueError: it is no picture that can be read.
        """
        key = hashlib.sha256(data).hexdigest()
        path = self._folder / key[:16] / _file_name(name)
        PictureData(Path(path.name), data, key, path.name).decoded()
        with self._lock:
            path.parent.mkdir(exist_ok=True)
            for other in path.parent.iterdir():
                other.unlink()
            path.write_bytes(data)
            self._known[key] = path, len(data)
            self._known.move_to_end(key)
            self._forget()
        return key

    def path(self, key: str) -> Path:
        """Where the picture of a key lies.

        Raises:
            NotFoundError: it is not there, or no longer.
        """
        with self._lock:
            if key not in self._known:
                raise NotFoundError("The page no longer has this picture.", "Drop it again.")
            self._known.move_to_end(key)
            return self._known[key][0]

    def again(self, file: PictureFile | None) -> str | None:
        """The key of the picture that a recipe tells of; None for no picture.

        Raises:
            NotFoundError: it was not dropped here.
        """
        if file is None:
            return None
        if file.sha256 not in self._known:
            raise NotFoundError(
                f"This picture was made of {file.name}, which the page does not have.", "Drop that first, then this."
            )
        return file.sha256

    def _forget(self) -> None:
        while len(self._known) > MOST or (len(self._known) > 1 and self._bytes() > ROOM):
            _, (path, _) = self._known.popitem(last=False)
            path.unlink(missing_ok=True)

    def _bytes(self) -> int:
        return sum(size for _, size in self._known.values())


def _file_name(name: str) -> str:
    """What a picture was called, as far as every disk can call it so."""
    last = printable(Path(name.replace("\\", "/")).name).lstrip(".")
    return last.encode(errors="ignore")[:LONGEST_NAME].decode(errors="ignore") or "picture.png"


def taken(dropped: Dropped, name: str, data: bytes) -> dict[str, Any]:
    """What becomes of a file that was dropped: of a picture of ours, the controls that made it; else a picture to edit.

    Raises:
        InvalidValueError: it is no picture.
        NotFoundError: it was made of another picture, which is not here.
    """
    try:
        recipe = Recipe.model_validate_json(recipe_text_in(io.BytesIO(data), name))
    except (AttrbankError, ValueError):
        key = dropped.keep(name, data)
        return {"image": key, "name": dropped.path(key).name}
    wish = wish_of(recipe, dropped.again(recipe.image), dropped.again(recipe.mask))
    told = wish.model_dump(mode="json", exclude_none=True)
    return {"wish": told | {"seed": str(recipe.seed)}}  # the numbers of browsers end at 2^53
