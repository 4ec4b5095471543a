"""Scenes: figures at random places, sizes, tilts and sides, on plain and patterned grounds."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from attrbank_avatars.truth import PICTURE
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lab.avatars.cutouts import SIZE, Cutouts

GROUNDS = {
    "blue": ((150, 194, 226), (178, 211, 236)),
    "green": ((160, 208, 163), (187, 223, 188)),
    "yellow": ((246, 224, 142), (250, 235, 178)),
    "pink": ((243, 183, 197), (248, 206, 216)),
    "purple": ((193, 176, 226), (211, 199, 236)),
    "grey": ((186, 188, 192), (206, 208, 211)),
    "white": ((247, 247, 245), (230, 231, 233)),
}
"""Two shades each: a pattern is made of both."""
PATTERNS = PICTURE["pattern"]
PAIRS, FLIPPED, MOST_TILT = 0.4, 0.5, 14.0
SCALES, PAIR_SCALES = (0.45, 1.0), (0.5, 0.62)


@dataclass(frozen=True)
class Place:
    """Where a figure stands.

    Attributes:
        figure: its number among the cutouts.
        x: of its centre, 0 at the left edge and 1 at the right.
        y: of its centre, 0 at the top.
        scale: its frame's side as a share of the picture's.
        tilt: in degrees, against the clock.
        flipped: whether it is mirrored.
    """

    figure: int
    x: float
    y: float
    scale: float
    tilt: float
    flipped: bool


@dataclass(frozen=True)
class Scene:
    """One picture: figures from left to right, and what they stand on."""

    places: tuple[Place, ...]
    ground: str
    pattern: str


def draw_scene(by_style: Mapping[str, Sequence[int]], rng: random.Random, pairs: float = PAIRS) -> Scene:
    """A random scene; two figures that share one are of one style.

    Args:
        by_style: the numbers of the cutouts to choose from, by style.
        rng: decides everything.
        pairs: the share of scenes with two figures.
    """
    numbers = by_style[rng.choice(list(by_style))]
    pattern = "plain" if rng.random() < 0.5 else rng.choice(PATTERNS[1:])
    places = _pair(numbers, rng) if rng.random() < pairs else (_single(numbers, rng),)
    return Scene(places, rng.choice(list(GROUNDS)), pattern)


def _place(figure: int, x: float, y: float, scale: float, rng: random.Random) -> Place:
    tilt = max(-MOST_TILT, min(MOST_TILT, rng.gauss(0, 6)))
    return Place(figure, round(x, 4), round(y, 4), round(scale, 4), round(tilt, 2), rng.random() < FLIPPED)


def _single(numbers: Sequence[int], rng: random.Random) -> Place:
    scale = rng.uniform(*SCALES)
    margin = scale / 2 - 0.05  # frames are wider than figures
    return _place(rng.choice(numbers), rng.uniform(margin, 1 - margin), rng.uniform(margin, 1 - margin), scale, rng)


def _pair(numbers: Sequence[int], rng: random.Random) -> tuple[Place, ...]:
    """Two different people side by side, with their heads at different heights."""
    figures = rng.sample(list(numbers), 2)
    return tuple(
        _place(figure, x + rng.uniform(-0.04, 0.04), rng.uniform(0.32, 0.68), rng.uniform(*PAIR_SCALES), rng)
        for figure, x in zip(figures, (0.26, 0.74), strict=True)
    )


def paint_ground(ground: str, pattern: str) -> Image.Image:
    """The ground alone, SIZE×SIZE, RGB."""
    across, down = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    if pattern == "striped":
        second = across // 8 % 2 == 1
    elif pattern == "checked":
        second = (across // 16 + down // 16) % 2 == 1
    elif pattern == "dotted":
        second = (across % 16 - 7.5) ** 2 + (down % 16 - 7.5) ** 2 < 20
    else:
        second = np.zeros((SIZE, SIZE), bool)
    one, other = GROUNDS[ground]
    colours: np.ndarray = np.where(second[..., None], np.array(other), np.array(one))
    return Image.fromarray(colours.astype(np.uint8))


def _as_image(picture: np.ndarray) -> Image.Image:
    """One cutout as RGBA."""
    return Image.frombytes("RGBa", (SIZE, SIZE), np.ascontiguousarray(picture).tobytes()).convert("RGBA")


def _put(cutout: Image.Image, place: Place) -> tuple[Image.Image, tuple[int, int]]:
    """A picture of a figure's frame, mirrored, resized and tilted, and where its upper left corner comes."""
    if place.flipped:
        cutout = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    side = round(place.scale * SIZE)
    resized = cutout.resize((side, side), Image.Resampling.LANCZOS)
    put = resized.rotate(place.tilt, Image.Resampling.BICUBIC, expand=True)
    return put, (round(place.x * SIZE - put.width / 2), round(place.y * SIZE - put.height / 2))


def paint(scene: Scene, cutouts: Cutouts) -> Tensor:
    """A scene as a picture (3, SIZE, SIZE), uint8."""
    picture = paint_ground(scene.ground, scene.pattern)
    for place in scene.places:
        cutout, corner = _put(_as_image(cutouts.pictures[place.figure]), place)
        picture.paste(cutout, corner, cutout)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def paint_mask(scene: Scene, masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Where in a scene the figures' masks (N, SIZE, SIZE) come to lie: (SIZE, SIZE), 0 to 255."""
    picture = Image.new("L", (SIZE, SIZE))
    for place in scene.places:
        mask, corner = _put(Image.fromarray(255 * masks[place.figure].astype(np.uint8)), place)
        picture.paste(mask, corner, mask)
    painted: NDArray[np.uint8] = np.array(picture)
    return painted


def paint_all(scenes: Sequence[Scene], cutouts: Cutouts) -> Tensor:
    """Scenes as pictures (N, 3, SIZE, SIZE), uint8."""
    return torch.stack([paint(scene, cutouts) for scene in scenes])


def numbers_by_style(cutouts: Cutouts) -> dict[str, list[int]]:
    """The numbers of the cutouts of each style."""
    found: dict[str, list[int]] = {}
    for number, figure in enumerate(cutouts.figures):
        found.setdefault(figure.style, []).append(number)
    return found


def draw_scenes(cutouts: Cutouts, count: int, seed: int) -> list[Scene]:
    """``count`` random scenes; the same seed gives the same ones."""
    rng, by_style = random.Random(seed), numbers_by_style(cutouts)  # noqa: S311 — pictures, not secrets
    return [draw_scene(by_style, rng) for _ in range(count)]
