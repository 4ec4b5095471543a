"""What pictures of people vary in: words of which one excludes the others."""

from __future__ import annotations

import re

VARIES = (("man", "woman"), ("young", "old"), ("smiling", "serious"), ("with glasses", "without glasses"))
"""The widest first."""


def excluded_by(source: str, target: str) -> tuple[str, ...]:
    """What the target prompt excludes that the source prompt leaves open, in lower case.

    From "a photo of a person" to "a photo of a young person" that is "old", although no prompt says so.
    """
    groups = (group for group in VARIES if not _said(source, group))
    return tuple(word for group in groups if (said := _said(target, group)) for word in group if word not in said)


def _said(prompt: str, words: tuple[str, ...]) -> list[str]:
    return [word for word in words if re.search(rf"\b{word}\b", prompt, re.IGNORECASE)]
