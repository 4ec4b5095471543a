"""What the page has drawn: pictures while a slider moves and when it stands, what is to be kept, and sheets."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image

from attrbank.methods.protocol import silent
from attrbank.studio.result import Result
from attrbank.ui.asked import DrawOrder, SaveOrder, SheetOrder, Wish
from attrbank.ui.dropped import Dropped
from attrbank.ui.models import Models
from attrbank.ui.said import command_of, python_of
from attrbank.ui.tabs import SupersededError, Tabs

LARGEST = 1024
"""Pixels: the longer side of a picture on the page; what is saved has its own size."""

SMALL = 2**17
"""Pixels of a picture that is shown without loss."""


class Drawing:
    """Draws what tabs wish for.

    Args:
        models: what draws.
        dropped: what was dropped.
        bank: the bank's folder, if it is not the user's own.
    """

    def __init__(self, models: Models, dropped: Dropped, bank: Path | None) -> None:
        self._models, self._dropped, self._bank, self._tabs = models, dropped, bank, Tabs()

    def draw(self, order: DrawOrder) -> dict[str, Any]:
        """The picture that a tab wishes for; nothing but ``superseded`` if the tab wishes for another by now.

        A draft that has begun is finished: it is short, and who drags a slider wants to see it move.
        """
        try:
            self._tabs.asks(order.tab, order.number)
            watch = self._tabs.watching(order.tab, order.number, once=order.draft)
            wish, options = order.wish, order.wish.options(self._dropped.path)
            studio = self._models.of(wish.backbone, wish.device).studio()
            if order.draft:
                return {"number": order.number, "after": shown(studio.draft(*wish.texts, on_step=watch, **options))}
            result = studio.apply(*wish.texts, on_step=watch, on_warning=silent, **options)
        except SupersededError:
            return {"number": order.number, "superseded": True}
        return {"number": order.number, **self._told(result, wish)}

    def save(self, order: SaveOrder) -> tuple[str, bytes]:
        """A PNG with its recipe, as ``attrbank apply`` writes it, and what to call it."""
        options = order.wish.options(self._dropped.path)
        studio = self._models.of(order.wish.backbone, order.wish.device).studio()
        result = studio.apply(*order.wish.texts, on_warning=silent, **options)
        return result.name.name, result.png(only_after=order.only_after)

    def sheet(self, order: SheetOrder) -> bytes:
        """A strip or a grid as a PNG."""
        wish, options = order.wish, order.wish.options(self._dropped.path)
        varied = {axis.partition("=")[0] for axis in (order.x, order.y) if axis}
        given = [slider.text for slider in wish.attributes if slider.name not in varied]
        return self._models.of(wish.backbone, wish.device).studio().sheet(*given, x=order.x, y=order.y, **options)

    def _told(self, result: Result, wish: Wish) -> dict[str, Any]:
        options = wish.options(self._dropped.path)
        return {
            "before": shown(result.before),
            "after": shown(result.after),
            "name": result.name.name,
            "warnings": list(result.warnings),
            "prompt": result.recipe.prompt,
            "steps": result.recipe.steps,
            "guidance_scale": result.recipe.guidance_scale,
            "sampler": result.recipe.sampler,
            "command": command_of(wish, options, self._bank),
            "python": python_of(wish, options, self._bank),
        }


def shown(image: Image.Image) -> str:
    """A picture as a data URI of moderate size; a small one without loss."""
    if max(image.size) > LARGEST:
        image = image.copy()
        image.thumbnail((LARGEST, LARGEST))
    data = io.BytesIO()
    if image.mode == "RGBA" or image.width * image.height <= SMALL:
        image.save(data, format="PNG", compress_level=1)
        kind = "png"
    else:
        image.save(data, format="JPEG", quality=92)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"
