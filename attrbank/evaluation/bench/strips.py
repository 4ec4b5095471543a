"""A column of small pictures as text, so that figures and pictures travel in one file."""

from __future__ import annotations

import base64
import io

from PIL import Image
from torch import Tensor

from attrbank.pictures.write import to_image

PEOPLE, TILE, QUALITY = 4, 96, 88


def strip(images: Tensor) -> str:
    """The first few of the pictures (B, 3, h, w) in [0, 1], one above the other, as a data URI."""
    people = images[:PEOPLE]
    column = Image.new("RGB", (TILE, TILE * len(people)))
    for row, picture in enumerate(people):
        column.paste(to_image(picture).resize((TILE, TILE), Image.Resampling.LANCZOS), (0, row * TILE))
    encoded = io.BytesIO()
    column.save(encoded, format="JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode()}"
