"""The judge of ``avatars``: finds the figures of a picture, then reads each one at the same size.

Because each figure is cut out before it is read, a small one at the edge is read as well as a large one in the middle.
The tuner would have to be another network, of another architecture: what has helped to choose cannot judge.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from lab.avatars.figures import TRAITS
from lab.avatars.truth import MOST_PEOPLE, PICTURE, SIDES

WIDTH, CROP = 24, 64
TILT_UNIT = 14.0
GEOMETRY = ("x", "y", "scale", "tilt", "flipped")
TRAITS_READ: dict[str, tuple[str, ...]] = {"sex": ("woman", "man"), **TRAITS}


class Found(NamedTuple):
    """What the first half sees.

    Attributes:
        picture: a logit for each value of each entry of ``PICTURE``, each (B, values).
        geometry: (B, 2, 5), columns as in ``GEOMETRY``, from left to right; tilt in units of 14°, ``flipped`` a logit.
            The second row means nothing where there is one figure.
    """

    picture: dict[str, Tensor]
    geometry: Tensor


def _stages(channels: tuple[int, ...]) -> nn.Sequential:
    """Stages of stride 2."""
    return nn.Sequential(
        *(
            nn.Sequential(
                nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(b),
                nn.ReLU(),
                nn.Conv2d(b, b, 3, padding=1, bias=False),
                nn.BatchNorm2d(b),
                nn.ReLU(),
            )
            for a, b in pairwise(channels)
        )
    )


class Head(nn.Module):
    """From features (B, channels, 8, 8) to answers (B, outputs)."""

    def __init__(self, channels: int, width: int, outputs: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, width, 1)
        self.layers = nn.Sequential(nn.Linear(width * 64, 128), nn.ReLU(), nn.Linear(128, outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Answers (B, outputs)."""
        answers: Tensor = self.layers(functional.relu(self.squeeze(features)).flatten(1))
        return answers


def _split(answers: Tensor, questions: dict[str, tuple[str, ...]]) -> dict[str, Tensor]:
    parts = torch.split(answers, [len(values) for values in questions.values()], dim=1)
    return dict(zip(questions, parts, strict=True))


class Judge(nn.Module):
    """Reads pictures (B, 3, 128, 128) in [0, 1]."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 4 * width)
        self.about_picture = sum(len(values) for values in PICTURE.values())
        self.finder = nn.Sequential(
            _stages(channels), Head(4 * width, width, self.about_picture + MOST_PEOPLE * len(GEOMETRY))
        )
        outputs = sum(len(values) for values in TRAITS_READ.values())
        self.reader = nn.Sequential(_stages(channels), Head(4 * width, width, outputs))

    def find(self, images: Tensor) -> Found:
        """The ground, the style, and where the figures are."""
        answers = self.finder(functional.adaptive_avg_pool2d(images, 64) * 2 - 1)
        geometry = answers[:, self.about_picture :].view(-1, MOST_PEOPLE, len(GEOMETRY))
        return Found(_split(answers[:, : self.about_picture], PICTURE), geometry)

    def read_at(self, images: Tensor, geometry: Tensor) -> dict[str, Tensor]:
        """The traits of one figure in each picture.

        Shapes:
            geometry: (B, 3) or more: x, y and scale.
            returns: (B, values) logits for each of ``TRAITS_READ``.
        """
        return _split(self.reader(crop(images, geometry) * 2 - 1), TRAITS_READ)

    @torch.no_grad()
    def read(self, images: Tensor, batch: int = 64) -> list[SceneRead]:
        """Pictures in words."""
        return [read for i in range(0, len(images), batch) for read in self._read(images[i : i + batch])]

    def _read(self, images: Tensor) -> list[SceneRead]:
        found = self.find(images)
        people = [self.read_at(images, found.geometry[:, number]) for number in range(MOST_PEOPLE)]
        reads = []
        for row in range(len(images)):
            picture = {name: PICTURE[name][int(logits[row].argmax())] for name, logits in found.picture.items()}
            count = 1 if picture["people"] == "one" else 2
            traits = [
                {name: TRAITS_READ[name][int(logits[row].argmax())] for name, logits in people[number].items()}
                for number in range(count)
            ]
            places = [_place(found.geometry[row, number]) for number in range(count)]
            reads.append(SceneRead(picture, traits, places))
        return reads


class SceneRead(NamedTuple):
    """A picture in words.

    Attributes:
        picture: an answer for each of ``PICTURE``.
        people: an answer for each of ``TRAITS_READ``, for each person from left to right; what a style does not have
            is guessed.
        places: x, y, scale, tilt in degrees, and flipped as 0 or 1, for each person.
    """

    picture: dict[str, str]
    people: list[dict[str, str]]
    places: list[dict[str, float]]

    def shows(self, number: int, name: str, value: str) -> bool:
        """Whether something that a caption says of a person is so."""
        place = self.places[number]
        if name == "side":
            return value == SIDES[0 if place["x"] < 0.43 else 2 if place["x"] > 0.57 else 1]
        if name == "size":
            return (place["scale"] < 0.72) == (value == "small")
        if name == "looks":
            return (place["flipped"] > 0.5) == (value == "left")
        return self.people[number][name] == value


def _place(geometry: Tensor) -> dict[str, float]:
    x, y, scale, tilt, flipped = geometry.tolist()
    return {"x": x, "y": y, "scale": scale, "tilt": tilt * TILT_UNIT, "flipped": float(flipped > 0)}


def crop(images: Tensor, geometry: Tensor) -> Tensor:
    """The frames of figures, (B, 3, 64, 64): sampled at twice the size and averaged, so that nothing is skipped."""
    x, y, scale = geometry[:, 0], geometry[:, 1], geometry[:, 2].clamp(0.2, 1.2)
    zero = torch.zeros_like(x)
    rows = torch.stack([torch.stack([scale, zero, 2 * x - 1], 1), torch.stack([zero, scale, 2 * y - 1], 1)], 1)
    grid = functional.affine_grid(rows, [len(images), 3, 2 * CROP, 2 * CROP], align_corners=False)
    found = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return functional.avg_pool2d(found, 2)


def save(judge: Judge, path: Path) -> None:
    """Store a judge in half precision."""
    half = {key: t.half() if t.is_floating_point() else t for key, t in judge.state_dict().items()}
    save_file({key: t.contiguous() for key, t in half.items()}, path)


def load(path: Path) -> Judge:
    """A stored judge, ready to read."""
    judge = Judge()
    judge.load_state_dict({k: t.float() if t.is_floating_point() else t for k, t in load_file(path).items()})
    return judge.eval().requires_grad_(False)
