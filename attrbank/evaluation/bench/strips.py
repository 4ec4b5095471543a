"""A column of small pictures as text, so that figures and pictures travel in one file."""

from __future__ import annotations

import base64
import io

from torch import Tensor

from attrbank.pictures.sheet import draw_column

PEOPLE, QUALITY = 4, 88


def strip(images: Tensor) -> str:
    """The first few of the pictures (B, 3, h, w) in [0, 1], one above the other, as a data URI."""
    encoded = io.BytesIO()
    draw_column(images[:PEOPLE]).save(encoded, format="JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode()}"
