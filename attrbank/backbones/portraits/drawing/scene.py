"""A batch of portraits being painted: coordinates, measures that several parts share, colours, and the canvas."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from attrbank.backbones.portraits.palette import INK, RGB, SKINS, WHITE, along, colour_of, hair_of
from attrbank.backbones.portraits.parameters import Portraits
from attrbank.backbones.portraits.shapes import ramp

ZOOM = 1.12
"""Pictures show this much less than −1 to 1."""


def rgb(colour: RGB) -> Tensor:
    """A colour that lies over any canvas, (1, 3, 1, 1)."""
    return torch.tensor(colour).view(1, 3, 1, 1)


def _plane(colours: Tensor) -> Tensor:
    return colours[:, :, None, None]


@dataclass(frozen=True)
class Measures:
    """What several parts must agree on.

    Shapes:
        all: (N, 1, 1, 1) numbers, or (N, 3, 1, 1) colours in [0, 1].
    """

    width: Tensor
    height: Tensor
    eye_x: Tensor
    eye: Tensor
    smile: Tensor
    sad: Tensor
    child: Tensor
    old: Tensor
    man: Tensor
    skin: Tensor
    hair: Tensor
    clothes: Tensor
    felt: Tensor

    def rows(self, chosen: Tensor) -> Measures:
        """The same of some portraits."""
        return Measures(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def measure(portraits: Portraits) -> Measures:
    """The measures of a batch."""

    def get(name: str) -> Tensor:
        return portraits.column(name).view(-1, 1, 1, 1)

    age, man = get("age"), get("build")
    child, old = 1 - ramp(age, 0.02, 0.24), ramp(age, 0.3, 1.0)
    skin = _plane(along(SKINS, portraits.column("skin")))
    return Measures(
        width=0.405 + 0.05 * get("face_width") + 0.02 * man,
        height=0.465 + 0.05 * get("face_height") + 0.02 * man * (1 - child) - 0.035 * child,
        eye_x=0.170 + 0.035 * get("eye_spacing"),
        eye=(0.088 + 0.024 * get("eye_size")) * (1 + 0.12 * child) * (1 - 0.16 * old) * (1 - 0.06 * man),
        smile=get("expression").clamp(min=0),
        sad=(-get("expression")).clamp(min=0),
        child=child,
        old=old,
        man=man,
        skin=torch.lerp(skin, skin.mean(1, keepdim=True) * 1.06, 0.20 * old),
        hair=_plane(hair_of(portraits)),
        clothes=_plane(colour_of(portraits, "clothes_colour")),
        felt=_plane(colour_of(portraits, "hat_colour")),
    )


@dataclass(frozen=True)
class Scene:
    """Portraits, their measures, coordinates, and the canvas that parts are laid on.

    Shapes:
        x, y: (N or 1, 1, h, w): the picture's coordinates.
        u, v: (N, 1, h, w): the head's own, moved and tilted.
        canvas: (N, 3, h, w), in [0, 1].
    """

    portraits: Portraits
    m: Measures
    x: Tensor
    y: Tensor
    u: Tensor
    v: Tensor
    canvas: Tensor
    edge: float

    def get(self, name: str) -> Tensor:
        """One parameter, (N, 1, 1, 1)."""
        return self.portraits.column(name).view(-1, 1, 1, 1)

    def stroke(self, colour: Tensor, distance: Tensor, opacity: Tensor | float = 1.0) -> None:
        """Lay a colour over the canvas where the distance is negative, with a soft edge of a pixel."""
        coverage = (0.5 - distance / self.edge).clamp(0, 1) * opacity
        self.canvas.lerp_(colour.expand_as(self.canvas), coverage.expand_as(self.canvas))

    def soft(self, colour: Tensor, distance: Tensor, blur: float, opacity: Tensor | float = 1.0) -> None:
        """The same with an edge as wide as ``blur``."""
        coverage = (0.5 - distance / blur).clamp(0, 1)
        coverage = coverage * coverage * (3 - 2 * coverage) * opacity
        self.canvas.lerp_(colour.expand_as(self.canvas), coverage.expand_as(self.canvas))

    def window(self, top: float, bottom: float, left: float = -1.0, right: float = 1.0) -> Scene:
        """The same scene within these bounds of the coordinates x and y; strokes are cheaper here."""
        size = self.canvas.shape[-1]
        rows, columns = (
            slice(max(0, math.floor((a * ZOOM + 1) / 2 * size)), math.ceil((b * ZOOM + 1) / 2 * size))
            for a, b in ((top, bottom), (left, right))
        )
        return replace(
            self,
            x=self.x[..., columns],
            y=self.y[..., rows, :],
            u=self.u[..., rows, columns],
            v=self.v[..., rows, columns],
            canvas=self.canvas[..., rows, columns],
        )

    def rows(self, chosen: Tensor) -> Scene:
        """A copy with some of the portraits; give it back with ``put``."""
        return Scene(
            self.portraits[chosen],
            self.m.rows(chosen),
            self.x[chosen] if len(self.x) > 1 else self.x,
            self.y[chosen] if len(self.y) > 1 else self.y,
            self.u[chosen],
            self.v[chosen],
            self.canvas[chosen],
            self.edge,
        )

    def put(self, chosen: Tensor, part: Scene) -> None:
        """Take over what was painted on a copy made with ``rows``."""
        self.canvas[chosen] = part.canvas


def begin(portraits: Portraits, size: int) -> Scene:
    """An empty scene."""
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    measures = measure(portraits)

    def get(name: str) -> Tensor:
        return portraits.column(name).view(-1, 1, 1, 1)

    x = axis.view(1, 1, 1, -1) / ZOOM - 0.13 * (get("head_x") - 0.5)
    y = axis.view(1, 1, -1, 1) / ZOOM - 0.03 - 0.09 * (get("head_y") - 0.5) - 0.03 * measures.child
    angle = (get("tilt") - 0.5) * math.radians(16)
    u, v = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    canvas = torch.zeros(len(portraits), 3, size, size)
    return Scene(portraits, measures, x, y, u, v, canvas, 2.0 / size / ZOOM)


INK_COLOUR, WHITE_COLOUR = rgb(INK), rgb(WHITE)
