"""The eyes of ``avatars``: they find the figures of a picture, then read each one at the same size.

Because each figure is cut out before it is read, a small one at the edge is read as well as a large one in the middle.
The ``judge`` only ever measures, the ``tuner`` chooses: they differ in architecture, resolution and training, since
what has helped to choose cannot judge.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from attrbank_avatars.truth import GEOMETRY, MOST_PEOPLE, PICTURE, SIDES, TILT_UNIT, TRAITS_READ

Role = Literal["judge", "tuner"]
JUDGE_WIDTH, JUDGE_SIDE = 24, 64
TUNER_WIDTH, TUNER_SIDE = 72, 96
FOLDER = Path(__file__).parent / "eyes_weights"
"""Where the shipped weights lie."""


class Found(NamedTuple):
    """What the first half sees.

    Attributes:
        picture: a logit for each value of each entry of ``PICTURE``, each (B, values).
        geometry: (B, 2, 4), columns as in ``GEOMETRY``, from left to right; tilt in units of 14°. The second row means
            nothing where there is one figure.
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


def _activations(half: nn.Sequential, images: Tensor) -> list[Tensor]:
    """What each stage of the finder or the reader makes of images in [0, 1]; its last part is the head."""
    parts = list(half.children())
    stages = list(parts[0].children()) if isinstance(parts[0], nn.Sequential) else parts[:-1]
    found, x = [], images * 2 - 1
    for stage in stages:
        x = stage(x)
        found.append(x)
    return found


ABOUT_PICTURE = sum(len(values) for values in PICTURE.values())
FOUND = ABOUT_PICTURE + MOST_PEOPLE * len(GEOMETRY)
READ = sum(len(values) for values in TRAITS_READ.values())


class Eye(nn.Module):
    """Reads pictures (B, 3, 128, 128) in [0, 1].

    Args:
        look: the side that whole pictures are averaged to before figures are found.
        finder: from such pictures in [−1, 1] to ``FOUND`` answers.
        side: of the frames that figures are cut out at.
        reader: from such frames in [−1, 1] to ``READ`` answers.
    """

    def __init__(self, look: int, finder: nn.Sequential, side: int, reader: nn.Sequential) -> None:
        super().__init__()
        self.look, self.finder, self.side, self.reader = look, finder, side, reader

    def features(self, images: Tensor) -> list[Tensor]:
        """Each stage's activations for whole pictures; the last ones tell what is in them."""
        return _activations(self.finder, functional.adaptive_avg_pool2d(images, self.look))

    def features_at(self, images: Tensor, geometry: Tensor) -> list[Tensor]:
        """Each stage's activations for the frame of one figure in each picture; geometry as for ``read_at``."""
        return _activations(self.reader, crop(images, geometry, self.side))

    def find(self, images: Tensor) -> Found:
        """The ground, the style, and where the figures are."""
        return self.find_in(self.features(images))

    def find_in(self, features: list[Tensor]) -> Found:
        """``find``, from ``features`` already computed."""
        answers = self.finder[-1](features[-1])
        geometry = answers[:, ABOUT_PICTURE:].view(-1, MOST_PEOPLE, len(GEOMETRY))
        return Found(_split(answers[:, :ABOUT_PICTURE], PICTURE), geometry)

    def read_at(self, images: Tensor, geometry: Tensor) -> dict[str, Tensor]:
        """The traits of one figure in each picture.

        Shapes:
            geometry: (B, 3) or more: x, y and scale.
            returns: (B, values) logits for each of ``TRAITS_READ``.
        """
        return self.read_in(self.features_at(images, geometry))

    def read_in(self, features: list[Tensor]) -> dict[str, Tensor]:
        """``read_at``, from ``features_at`` already computed."""
        return _split(self.reader[-1](features[-1]), TRAITS_READ)

    @torch.no_grad()
    def read(self, images: Tensor, batch: int = 64) -> list[SceneRead]:
        """Pictures in words."""
        return [read for i in range(0, len(images), batch) for read in self._read(images[i : i + batch])]

    def _read(self, images: Tensor) -> list[SceneRead]:
        found = self.find(images)
        people = [_to_cpu(self.read_at(images, found.geometry[:, number])) for number in range(MOST_PEOPLE)]
        found, reads = Found(_to_cpu(found.picture), found.geometry.cpu()), []
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


def _to_cpu(answers: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: logits.cpu() for name, logits in answers.items()}


class SceneRead(NamedTuple):
    """A picture in words.

    Attributes:
        picture: an answer for each of ``PICTURE``.
        people: an answer for each of ``TRAITS_READ``, for each person from left to right; what a style does not have
            is guessed.
        places: x, y, scale and tilt in degrees, for each person.
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
        return self.people[number][name] == value


def _place(geometry: Tensor) -> dict[str, float]:
    x, y, scale, tilt = geometry.tolist()
    return {"x": x, "y": y, "scale": scale, "tilt": tilt * TILT_UNIT}


def crop(images: Tensor, geometry: Tensor, side: int = JUDGE_SIDE) -> Tensor:
    """The frames of figures, (B, 3, side, side): sampled at twice the size and averaged, so that nothing is skipped."""
    x, y, scale = (column[:, None] for column in (geometry[:, 0], geometry[:, 1], geometry[:, 2].clamp(0.2, 1.2)))
    axis = (torch.arange(2 * side, device=images.device) + 0.5) / side - 1
    across, down = scale * axis + 2 * x - 1, scale * axis + 2 * y - 1
    grid = torch.stack([across[:, None].expand(-1, 2 * side, -1), down[..., None].expand(-1, -1, 2 * side)], dim=-1)
    found = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return functional.avg_pool2d(found, 2)


def build_judge() -> Eye:
    """Convolutions of 3×3 with batch norms, on pictures and frames of 64×64."""
    channels = (3, JUDGE_WIDTH, 2 * JUDGE_WIDTH, 4 * JUDGE_WIDTH)
    halves = (nn.Sequential(_stages(channels), Head(channels[-1], JUDGE_WIDTH, outputs)) for outputs in (FOUND, READ))
    finder, reader = halves
    return Eye(JUDGE_SIDE, finder, JUDGE_SIDE, reader)


class _Mixer(nn.Module):
    """A wide look at each channel, then a look at each place: nothing that the judge does."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.space = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.GroupNorm(1, width)
        self.channels = nn.Sequential(nn.Conv2d(width, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.channels(self.norm(self.space(x)))
        return x + mixed


def _mixers(stride: int, outputs: int) -> nn.Sequential:
    """Patches of 4×4, mixed, then patches of those that leave 8×8, mixed again."""
    width = TUNER_WIDTH
    return nn.Sequential(
        nn.Conv2d(3, width, 4, stride=4),
        _Mixer(width),
        _Mixer(width),
        nn.Conv2d(width, width, stride, stride=stride),
        _Mixer(width),
        _Mixer(width),
        Head(width, JUDGE_WIDTH, outputs),
    )


def build_tuner() -> Eye:
    """Mixers of patches, on whole pictures of 128×128 and frames of 96×96."""
    return Eye(128, _mixers(4, FOUND), TUNER_SIDE, _mixers(3, READ))


def build(role: Role) -> Eye:
    """An untrained eye."""
    return build_judge() if role == "judge" else build_tuner()


def save(network: nn.Module, path: Path) -> None:
    """Store a network in half precision, in the place of an older one."""
    half = {key: t.half() if t.is_floating_point() else t for key, t in network.state_dict().items()}
    unfinished = path.with_suffix(".new")
    save_file({key: t.cpu().contiguous() for key, t in half.items()}, unfinished)
    unfinished.replace(path)


def restore(network: nn.Module, path: Path) -> None:
    """Read stored weights; the network is then ready to read."""
    network.load_state_dict({k: t.float() if t.is_floating_point() else t for k, t in load_file(path).items()})
    network.eval().requires_grad_(False)


def load(role: Role = "judge", folder: Path = FOLDER) -> Eye:
    """The eye of this role out of a folder, ready to read; the shipped one without."""
    eye = build(role)
    restore(eye, folder / f"{role}.safetensors")
    return eye


def fingerprint(*paths: Path) -> str:
    """Twelve hex digits that stand for everything in these files together."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
