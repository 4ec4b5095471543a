"""Two networks that read a portrait's numbers back from its pixels, and a third that looks for damage.

The ``tuner`` chooses settings and the ``judge`` only ever measures: what a judge has helped to choose, it can no
longer judge. They differ in architecture, resolution and training, so that one's blind spots are not the other's.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from attrbank.backbones.portraits.parameters import KINDS
from attrbank.backbones.portraits.visible import READ_KINDS, READ_NUMBERS

Role = Literal["judge", "tuner"]
NetworkT = TypeVar("NetworkT", bound=nn.Module)
FOLDER = Path(__file__).parent / "oracles"
"""Where the shipped weights lie."""
OUTPUTS = len(READ_NUMBERS) + sum(len(KINDS[name]) for name in READ_KINDS)


class Reading(NamedTuple):
    """What an oracle sees.

    Shapes:
        numbers: (B, 27), in the renderer's units, columns as in ``READ_NUMBERS``.
        kinds: for each of ``READ_KINDS`` logits (B, number of kinds).
    """

    numbers: Tensor
    kinds: dict[str, Tensor]

    def number(self, name: str) -> Tensor:
        """One number, (B,).

        Raises:
            ValueError: it is none of ``READ_NUMBERS``.
        """
        return self.numbers[:, READ_NUMBERS.index(name)]

    def rows(self, chosen: Tensor) -> Reading:
        """The reading of some pictures."""
        return Reading(self.numbers[chosen], {name: logits[chosen] for name, logits in self.kinds.items()})

    def kind(self, name: str) -> Tensor:
        """The likeliest kind, (B,)."""
        return self.kinds[name].argmax(1)


def _split(outputs: Tensor) -> Reading:
    sizes = [len(READ_NUMBERS), *(len(KINDS[name]) for name in READ_KINDS)]
    numbers, *kinds = torch.split(outputs, sizes, dim=1)
    return Reading(numbers, dict(zip(READ_KINDS, kinds, strict=True)))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        body: Tensor = self.body(x)
        return functional.relu(x + body)


class Oracle(nn.Module):
    """What both oracles have: a resolution, a trunk that ends in an 8×8 map, and a head.

    Args:
        size: the resolution that pictures are averaged or stretched to.
        trunk: stages whose activations are the perceptual features.
        width: channels of the last stage.
    """

    def __init__(self, size: int, trunk: nn.ModuleList, width: int) -> None:
        super().__init__()
        self.size, self.stages = size, trunk
        self.squeeze = nn.Conv2d(width, 32, 1)
        self.head = nn.Sequential(nn.Linear(32 * 64, 192), nn.ReLU(), nn.Linear(192, OUTPUTS))

    def features(self, images: Tensor) -> list[Tensor]:
        """Each stage's activations for images (B, 3, h, w) in [0, 1]."""
        found, x = [], functional.adaptive_avg_pool2d(images, self.size) * 2 - 1
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def forward(self, images: Tensor) -> Reading:
        """Read images (B, 3, h, w) in [0, 1]."""
        return self.read_features(self.features(images))

    def read_features(self, features: list[Tensor]) -> Reading:
        """Read from ``features`` already computed."""
        return _split(self.head(functional.relu(self.squeeze(features[-1])).flatten(1)))

    @torch.no_grad()
    def read(self, images: Tensor, batch: int = 64) -> Reading:
        """Read any number of images without gradients."""
        parts = [self(part) for part in torch.split(images, batch)]
        kinds = {name: torch.cat([part.kinds[name] for part in parts]) for name in READ_KINDS}
        return Reading(torch.cat([part.numbers for part in parts]), kinds)


def build_judge() -> Oracle:
    """A residual network on all 128×128 pixels."""
    widths = (3, 24, 48, 72, 112)
    stages = [
        nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(), _Residual(b))
        for a, b in pairwise(widths)
    ]
    return Oracle(128, nn.ModuleList(stages), widths[-1])


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


def build_tuner() -> Oracle:
    """A mixer of 4×4 patches on the picture averaged to 64×64."""
    width = 96
    stages = [
        nn.Sequential(nn.Conv2d(3, width, 4, stride=4), _Mixer(width), _Mixer(width)),
        nn.Sequential(_Mixer(width), _Mixer(width)),
        nn.Sequential(nn.Conv2d(width, width, 2, stride=2), _Mixer(width), _Mixer(width)),
    ]
    return Oracle(64, nn.ModuleList(stages), width)


class Damage(nn.Module):
    """A detector of damage: a logit for each of 16×16 places, of which the worst ones count.

    Attributes:
        threshold: the logit from which a picture counts as damaged: 2 % of renders through the codec do.
    """

    threshold: Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 40, 64)
        stages = [
            nn.Sequential(
                nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(), _Residual(b)
            )
            for a, b in pairwise(widths)
        ]
        self.stages, self.place = nn.Sequential(*stages), nn.Conv2d(widths[-1] + 2, 48, 3, padding=1)
        self.out = nn.Conv2d(48, 1, 1)
        self.register_buffer("threshold", torch.tensor(0.0))

    @torch.no_grad()
    def read(self, images: Tensor, batch: int = 64) -> Tensor:
        """Logits (N,) of any number of images (N, 3, 128, 128) in [0, 1]; the larger, the more damaged."""
        return torch.cat([self(part) for part in torch.split(images, batch)])

    def sees(self, images: Tensor) -> Tensor:
        """Which of images (N, 3, 128, 128) in [0, 1] are damaged, (N,) bool."""
        return self.read(images) > self.threshold

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B,) of images (B, 3, 128, 128) in [0, 1]."""
        return worst(self.places(images))

    def places(self, images: Tensor) -> Tensor:
        """Logits (B, 1, 16, 16) of the places of images."""
        x = self.stages(images * 2 - 1)
        axis = torch.linspace(-1, 1, x.shape[-1], device=x.device).expand(len(x), 1, x.shape[-2], -1)
        found: Tensor = self.out(functional.relu(self.place(torch.cat([x, axis, axis.transpose(2, 3)], dim=1))))
        return found


def worst(places: Tensor) -> Tensor:
    """Logits of pictures, (B,), from those of places: a picture is as damaged as its worst 2×2 of them."""
    return functional.avg_pool2d(places, 2, stride=1).flatten(1).amax(1)


def build(role: Role) -> Oracle:
    """An untrained oracle."""
    return build_judge() if role == "judge" else build_tuner()


def store(network: nn.Module, path: Path) -> None:
    """Write a network's weights in half precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = {key: t.half() if t.is_floating_point() else t for key, t in network.state_dict().items()}
    save_file({key: t.contiguous() for key, t in half.items()}, path)


def restore(network: NetworkT, path: Path) -> NetworkT:
    """Read weights back; the network is then ready to read."""
    network.load_state_dict({k: t.float() if t.is_floating_point() else t for k, t in load_file(path).items()})
    return network.eval().requires_grad_(False)


def load(role: Role = "judge", folder: Path = FOLDER) -> Oracle:
    """The shipped oracle of this role, ready to read."""
    return restore(build(role), folder / f"{role}.safetensors")


def load_damage(folder: Path = FOLDER) -> Damage:
    """The shipped detector of damage, ready to look."""
    return restore(Damage(), folder / "damage.safetensors")


def fingerprint(*names: str, folder: Path = FOLDER) -> str:
    """Twelve hex digits that stand for the shipped weights of these networks together."""
    whole = b"".join((folder / f"{name}.safetensors").read_bytes() for name in names)
    return hashlib.sha256(whole).hexdigest()[:12]
