"""How pictures are laid out beside each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from attrbank.pictures.sheet import GRID, INK, PAIR, PAPER, TILE, draw_column, draw_grid, draw_pair

RED, BLUE = torch.tensor([1.0, 0, 0])[:, None, None], torch.tensor([0, 0, 1.0])[:, None, None]


def colour(sheet: Image.Image, left: float, top: float) -> tuple[int, ...]:
    found = sheet.getpixel((int(left), int(top)))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize(
    ("h", "w", "height", "width"), [(128, 128, 256, 256), (100, 300, 300, 900), (300, 400, 300, 400)]
)
def test_a_pair_stands_side_by_side_above_its_captions(h: int, w: int, height: int, width: int) -> None:
    sheet = draw_pair(RED.expand(3, h, w), BLUE.expand(3, h, w), ("before", "after"))
    assert sheet.size == (2 * width + 3 * PAIR.gap, height + PAIR.gap + PAIR.strip)
    first, second = PAIR.gap + width / 2, 2 * PAIR.gap + 1.5 * width
    assert colour(sheet, first, PAIR.gap + height / 2) == (255, 0, 0)
    assert colour(sheet, second, PAIR.gap + height / 2) == (0, 0, 255)
    assert INK in {colour for _, colour in sheet.crop((0, PAIR.gap + height, sheet.width, sheet.height)).getcolors()}


def test_a_caption_that_is_too_long_stays_under_its_own_picture() -> None:
    picture = torch.ones(3, 256, 256)
    strip = np.asarray(draw_pair(picture, picture, ("a very long caption " * 20, "")))[-PAIR.strip :]
    inked = np.flatnonzero((strip != PAPER).any((0, 2)))
    assert PAIR.gap <= inked.min() < inked.max() <= PAIR.gap + 256


@pytest.mark.parametrize(("h", "w", "tile"), [(32, 32, TILE), (32, 64, TILE // 2)])
def test_a_grid_keeps_the_aspect_of_its_pictures(h: int, w: int, tile: int) -> None:
    stacks = [RED.expand(2, 3, h, w), BLUE.expand(2, 3, h, w)]
    sheet = draw_grid(["one", "two"], stacks, gaps={1})
    assert sheet.size == (2 * TILE + 3 * GRID.gap + GRID.wide_gap, GRID.strip + 2 * (tile + GRID.gap))
    assert colour(sheet, GRID.gap + TILE / 2, sheet.height - GRID.gap - tile / 2) == (255, 0, 0)
    assert colour(sheet, sheet.width - GRID.gap - TILE / 2, GRID.strip + tile / 2) == (0, 0, 255)


def test_a_column_has_nothing_but_its_pictures() -> None:
    assert draw_column(RED.expand(4, 3, 32, 32)).getcolors() == [(4 * TILE * TILE, (255, 0, 0))]
