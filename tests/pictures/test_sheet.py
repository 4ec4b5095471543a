"""How pictures are laid out beside each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from attrbank.pictures.sheet import GRID, INK, PAIR, PAPER, TILE, draw_column, draw_grid, draw_pair, to_image

RED, BLUE = torch.tensor([1.0, 0, 0])[:, None, None], torch.tensor([0, 0, 1.0])[:, None, None]


def colour(sheet: Image.Image, left: float, top: float) -> tuple[int, ...]:
    found = sheet.getpixel((int(left), int(top)))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize(
    ("h", "w", "height", "width"), [(128, 128, 256, 256), (100, 300, 100, 300), (300, 400, 300, 400)]
)
def test_a_pair_stands_side_by_side_above_its_captions(h: int, w: int, height: int, width: int) -> None:
    sheet = draw_pair(RED.expand(3, h, w), BLUE.expand(3, h, w), ("before", "after"))
    assert sheet.size == (2 * width + 3 * PAIR.gap, height + PAIR.gap + PAIR.strip)
    first, second = PAIR.gap + width / 2, 2 * PAIR.gap + 1.5 * width
    assert colour(sheet, first, PAIR.gap + height / 2) == (255, 0, 0)
    assert colour(sheet, second, PAIR.gap + height / 2) == (0, 0, 255)
    assert INK in {colour for _, colour in sheet.crop((0, PAIR.gap + height, sheet.width, sheet.height)).getcolors()}


@pytest.mark.parametrize(("h", "w"), [(1, 3000), (3000, 1), (5000, 2), (1, 1), (2, 90)])
def test_a_picture_of_any_aspect_makes_no_larger_sheet_than_it_must(h: int, w: int) -> None:
    sheet = draw_pair(RED.expand(3, h, w), BLUE.expand(3, h, w), ("before", "after"))
    assert sheet.width <= 2 * max(w, 510) + 3 * PAIR.gap
    assert sheet.height <= max(h, 510) + PAIR.gap + PAIR.strip


def test_a_large_picture_is_converted_as_a_small_one_is() -> None:
    pixels = torch.rand(4, 700, 900, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.1
    whole = (pixels.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    assert (np.asarray(to_image(pixels)) == whole).all()


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
