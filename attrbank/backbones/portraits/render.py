"""Draws portraits from their parameters, with signed distances, in plain torch.

Coordinates run from −1 to 1, x to the right and y down. ``u, v`` are the same in the head's own
frame, which is moved and tilted. A distance is negative inside its shape.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from attrbank.backbones.portraits.parameters import Portraits

SIZE = 128

_BACKGROUNDS = ((0.62, 0.78, 0.88), (0.72, 0.84, 0.74), (0.95, 0.87, 0.70), (0.93, 0.76, 0.74), (0.79, 0.74, 0.88))
_SKINS = ((0.99, 0.88, 0.79), (0.95, 0.78, 0.64), (0.83, 0.62, 0.46), (0.62, 0.43, 0.31), (0.44, 0.30, 0.22))
_HAIRS = ((0.11, 0.09, 0.10), (0.28, 0.17, 0.11), (0.48, 0.28, 0.14), (0.68, 0.33, 0.14), (0.88, 0.70, 0.36))
_CLOTHES = ((0.80, 0.22, 0.24), (0.91, 0.60, 0.16), (0.24, 0.58, 0.36), (0.16, 0.47, 0.74), (0.52, 0.28, 0.62))
_WHITE, _INK, _GREY_HAIR = (0.98, 0.98, 0.97), (0.13, 0.11, 0.13), (0.84, 0.84, 0.86)


def render(portraits: Portraits, size: int = SIZE) -> Tensor:
    """Portraits as images (N, 3, size, size) in [0, 1]."""
    if not len(portraits):
        return torch.empty(0, 3, size, size)
    return torch.cat([_Painter(portraits[i : i + 64], size).paint() for i in range(0, len(portraits), 64)])


def _colour(rgb: tuple[float, float, float]) -> Tensor:
    return torch.tensor(rgb).view(1, 3, 1, 1)


def _along(palette: tuple[tuple[float, float, float], ...], where: Tensor) -> Tensor:
    """The colour at ``where`` (N, 1, 1, 1) in [0, 1] on the broken line through a palette, (N, 3, 1, 1)."""
    colours = torch.tensor(palette)
    scaled = where.flatten() * (len(palette) - 1)
    lower = scaled.long().clamp(max=len(palette) - 2)
    mixed = torch.lerp(colours[lower], colours[lower + 1], (scaled - lower)[:, None])
    return mixed[:, :, None, None]


def _ellipse(u: Tensor, v: Tensor, width: Tensor | float, height: Tensor | float) -> Tensor:
    """Distance to an ellipse of these half axes, exact on its outline."""
    norm = torch.sqrt((u / width) ** 2 + (v / height) ** 2 + 1e-9)
    slope = torch.sqrt((u / width**2) ** 2 + (v / height**2) ** 2 + 1e-9)
    return norm * (norm - 1) / slope


def _box(u: Tensor, v: Tensor, width: Tensor | float, height: Tensor | float, rounding: float) -> Tensor:
    """Distance to a rounded box of these half sizes."""
    du, dv = u.abs() - width + rounding, v.abs() - height + rounding
    outside = torch.sqrt(du.clamp(min=0) ** 2 + dv.clamp(min=0) ** 2 + 1e-9)
    return outside + torch.maximum(du, dv).clamp(max=0) - rounding


def _arc(u: Tensor, v: Tensor, width: Tensor | float, bend: Tensor | float, thickness: float) -> Tensor:
    """Distance to the stroke v = bend·(u/width)², |u| ≤ width; a positive bend turns its ends down."""
    along = (u / width).clamp(-1, 1)
    across = (v - bend * along**2) / torch.sqrt(1 + (2 * bend * along / width) ** 2)
    return torch.sqrt(across**2 + (u.abs() - width).clamp(min=0) ** 2 + 1e-9) - thickness


def _both(*distances: Tensor) -> Tensor:
    """The intersection of shapes."""
    return functools.reduce(torch.maximum, distances)


class _Painter:
    """Paints one batch of portraits, back to front."""

    def __init__(self, portraits: Portraits, size: int) -> None:
        self.get: Callable[[str], Tensor] = lambda name: portraits.column(name).view(-1, 1, 1, 1)
        axis = (torch.arange(size) + 0.5) / size * 2 - 1
        self.x, self.y = axis.view(1, 1, 1, -1), axis.view(1, 1, -1, 1)
        self.edge = 2.2 / size
        self.man, self.old, self.smiling = self.get("man"), self.get("old"), self.get("smiling")
        self.width = 0.37 + 0.06 * self.get("face_width") + 0.02 * self.man
        self.height = 0.44 + 0.06 * self.get("face_height")
        self._place_head()
        self._choose_colours()
        self.canvas = torch.zeros(len(portraits), 3, size, size)

    def _place_head(self) -> None:
        dx = self.x - 0.16 * (self.get("head_x") - 0.5)
        dy = self.y - 0.06 - 0.12 * (self.get("head_y") - 0.5)
        angle = (self.get("tilt") - 0.5) * math.radians(16)
        self.u = dx * angle.cos() + dy * angle.sin()
        self.v = dy * angle.cos() - dx * angle.sin()
        self.neck_x = dx

    def _choose_colours(self) -> None:
        skin = _along(_SKINS, self.get("skin"))
        self.skin = torch.lerp(skin, skin.mean(1, keepdim=True) * 1.02, 0.16 * self.old)
        self.hair = torch.lerp(_along(_HAIRS, self.get("hair")), _colour(_GREY_HAIR), 0.88 * self.old)
        clothes = _along(_CLOTHES, self.get("clothes"))
        faded = torch.lerp(clothes, _colour((0.50, 0.49, 0.50)), 0.72)
        self.clothes = torch.lerp(clothes, faded, self.get("muted"))
        self.felt = torch.lerp(_along(_CLOTHES, (self.get("clothes") + 0.5) % 1), _colour(_INK), 0.35)

    def stroke(self, colour: Tensor, distance: Tensor, opacity: Tensor | float = 1.0) -> None:
        """Lay a colour over the canvas where the distance is negative."""
        coverage = (0.5 - distance / self.edge).clamp(0, 1) * opacity
        self.canvas = torch.lerp(self.canvas, colour.expand_as(self.canvas), coverage.expand_as(self.canvas))

    def paint(self) -> Tensor:
        """The finished pictures, (N, 3, size, size)."""
        self._background()
        self._hair_behind()
        self._body()
        self._face()
        self._age()
        self._eyes()
        self._nose()
        self._beard()
        self._mouth()
        self._hair_in_front()
        self._brows()
        self._glasses()
        self._hat()
        return self.canvas.clamp(0, 1)

    def _background(self) -> None:
        colour = _along(_BACKGROUNDS, self.get("background"))
        shade = 1 - 0.16 * (self.x**2 + (self.y + 0.1) ** 2)
        self.canvas = (colour * shade).expand_as(self.canvas).clone()
        self.stroke(colour * 1.06, _ellipse(self.x, self.y, 0.86, 0.86), 0.35)

    def _hair_behind(self) -> None:
        woman = 1 - self.man
        shade = self.hair * 0.88
        long = _box(self.u, self.v - 0.16, self.width + 0.13, 0.58, 0.36)
        self.stroke(shade, long, woman)
        short = _both(_ellipse(self.u, self.v + 0.06, self.width + 0.055, self.height + 0.05), self.v - 0.04)
        self.stroke(shade, short, self.man)

    def _body(self) -> None:
        shadow = self.skin * 0.84
        self.stroke(self.clothes, _ellipse(self.neck_x * 0.9, self.y - 1.22, 0.70 + 0.10 * self.man, 0.56))
        self.stroke(self.clothes * 0.86, _arc(self.neck_x, self.y - 0.86, 0.24, -0.12, 0.035))
        self.stroke(shadow, _ellipse(self.neck_x, self.y - 0.68, 0.19, 0.20))
        self.stroke(shadow, _box(self.neck_x, self.y - 0.52, 0.13 + 0.03 * self.man, 0.24, 0.08))

    def _face_outline(self, grow: float = 0.0) -> Tensor:
        """A soft oval; men's jaws are squarer."""
        oval = _ellipse(self.u, self.v, self.width + grow, self.height + grow)
        jaw = _box(self.u, self.v - 0.02, self.width * 0.96 + grow, self.height * 0.97 + grow, 0.30)
        return torch.lerp(oval, jaw, 0.45 * self.man)

    def _face(self) -> None:
        ear = _ellipse(self.u.abs() - self.width, self.v - 0.02, 0.06, 0.095)
        self.stroke(self.skin * 0.90, ear)
        outline = self._face_outline()
        self.stroke(self.skin, outline)
        side = _both(outline, -_ellipse(self.u + 0.07, self.v + 0.05, self.width, self.height + 0.02))
        self.stroke(self.skin * 0.88, side, 0.6)
        blush = torch.lerp(self.skin, _colour((0.95, 0.42, 0.40)), 0.5)
        cheek = _ellipse(self.u.abs() - 0.22, self.v - 0.17, 0.085, 0.06)
        self.stroke(blush, cheek + 0.02, 0.22 + 0.3 * self.smiling)

    def _age(self) -> None:
        line = self.skin * 0.70
        for row in range(3):
            self.stroke(line, _arc(self.u, self.v + 0.20 + 0.055 * row, 0.17 - 0.02 * row, 0.025, 0.007), self.old)
        corner = self.u.abs() - self._eye_x() - 0.105
        for turn in (-0.5, 0.0, 0.5):
            foot = _arc(corner - 0.03, self.v + 0.015 - turn * (corner + 0.02), 0.035, 0.0, 0.006)
            self.stroke(line, foot, self.old)
        bag = _arc(self.u.abs() - self._eye_x(), self.v - 0.085, 0.075, -0.03, 0.007)
        self.stroke(line, bag, self.old)
        fold_u, fold_v = self.u.abs() - 0.155, self.v - 0.215
        self.stroke(line, _box(fold_u - 0.35 * fold_v, fold_v, 0.009, 0.085, 0.008), self.old)

    def _eye_x(self) -> Tensor:
        return 0.145 + 0.035 * self.get("eye_spacing")

    def _eyes(self) -> None:
        size = (0.062 + 0.022 * self.get("eye_size")) * (1 - 0.30 * self.old)
        u, v = self.u.abs() - self._eye_x(), self.v + 0.02
        squint = 1 - 0.22 * self.smiling
        white = _ellipse(u, v, size * 1.15, size * squint)
        self.stroke(_colour(_WHITE), white)
        iris = torch.lerp(_colour((0.30, 0.20, 0.14)), _colour((0.25, 0.42, 0.52)), self.get("hair"))
        self.stroke(iris, _both(_ellipse(u, v, size * 0.68, size * 0.68), white))
        self.stroke(_colour(_INK), _both(_ellipse(u, v, size * 0.36, size * 0.36), white))
        glint = _ellipse(self.u.abs() - self._eye_x() + 0.018, v + 0.02, 0.013, 0.013)
        self.stroke(_colour(_WHITE), glint)
        lid = _arc(u, v + size * squint, size * 1.2, size * 0.75, 0.009)
        self.stroke(_colour(_INK), lid, 0.55 + 0.45 * (1 - self.man))
        lash = _arc(u - size * 1.3, v + size * 0.45 + 0.5 * (u - size * 1.3), 0.03, 0.0, 0.008)
        self.stroke(_colour(_INK), lash, 1 - self.man)

    def _nose(self) -> None:
        length = 0.11 + 0.05 * self.get("nose")
        tip = self.v - length
        self.stroke(self.skin * 0.76, _arc(self.u, tip - 0.02, 0.05 + 0.012 * self.man, -0.028, 0.010))
        self.stroke(self.skin * 1.07, _ellipse(self.u + 0.008, tip + 0.03, 0.018, 0.045), 0.6)

    def _beard(self) -> None:
        colour = self.hair * 0.92
        along = (self.u.abs() / self.width).clamp(max=1.2)
        area = _both(self._face_outline(0.035), 0.215 - 0.19 * along**2 - self.v)
        lips = _ellipse(self.u, self.v - 0.27, 0.115, 0.055)
        here = self.get("beard")
        self.stroke(colour, _both(area, -lips), here)
        self.stroke(colour * 0.94, _arc(self.u, self.v - 0.205, 0.125, 0.035, 0.026), here)

    def _mouth(self) -> None:
        width = 0.105 + 0.035 * self.get("mouth_width")
        u, v = self.u, self.v - 0.265
        lip = torch.lerp(self.skin * 0.68, _colour((0.80, 0.26, 0.30)), 0.35 + 0.45 * (1 - self.man))
        straight = _arc(u, v - 0.01, width * 0.82, 0.012, 0.017)
        self.stroke(lip, straight, 1 - self.smiling)
        self.stroke(lip * 0.62, _arc(u, v - 0.008, width * 0.82, 0.012, 0.006), 1 - self.smiling)
        grin = width * 1.22
        depth = 0.105 * (1 - (u / grin) ** 2)
        crescent = _both(-(v + 0.045 - 0.25 * depth), v + 0.045 - depth * 1.15, u.abs() - grin)
        self.stroke(lip, crescent - 0.018, self.smiling)
        self.stroke(_colour((0.45, 0.10, 0.13)), crescent, self.smiling)
        teeth = _both(crescent, v + 0.040 - depth * 0.72)
        self.stroke(_colour(_WHITE), teeth, self.smiling)

    def _hair_in_front(self) -> None:
        scalp = _ellipse(self.u, self.v + 0.06, self.width + 0.055, self.height + 0.055)
        parted = self.v + 0.245 - 0.9 * (self.u + 0.10).abs() ** 1.5
        self.stroke(self.hair, _both(scalp - 0.012, parted), 1 - self.man)
        for side in (-1, 1):
            lock = _box(self.u - side * (self.width + 0.03), self.v - 0.16, 0.075, 0.42, 0.075)
            self.stroke(self.hair, lock, 1 - self.man)
        cut = self.v + 0.30 + 0.07 * self.old - (0.55 - 0.25 * self.old) * self.u**2 - 0.05 * (self.u * 9).sin() * 0.35
        self.stroke(self.hair, _both(scalp, cut), self.man)
        shine = _arc(self.u + 0.06, self.v + self.height - 0.045, 0.17, 0.05, 0.012)
        self.stroke(self.hair * 1.25 + 0.06, shine, 0.5)

    def _brows(self) -> None:
        colour = torch.lerp(self.hair * 0.75, _colour(_INK), 0.15)
        u, v = self.u.abs() - self._eye_x(), self.v + 0.145 + 0.018 * self.smiling
        self.stroke(colour, _arc(u, v, 0.085, 0.030, 0.011), 1 - self.man)
        self.stroke(colour, _arc(u, v, 0.090, 0.016, 0.020), self.man)

    def _glasses(self) -> None:
        here = self.get("glasses")
        u, v = self.u.abs() - self._eye_x() - 0.005, self.v + 0.015
        lens = _box(u, v, 0.135, 0.115, 0.085)
        self.stroke(_colour((0.85, 0.93, 0.98)), lens, 0.22 * here)
        self.stroke(_colour(_INK), lens.abs() - 0.014, here)
        self.stroke(_colour(_INK), _arc(self.u, self.v + 0.035, 0.04, 0.012, 0.012), here)
        arm = self.u.abs() - self._eye_x() - 0.14
        reach = (self.width - self._eye_x() - 0.14).clamp(min=0.02) / 2
        self.stroke(_colour(_INK), _box(arm - reach, v + 0.03, reach, 0.012, 0.01), here)

    def _hat(self) -> None:
        here, lean = self.get("hat"), self.v + self.height * 0.62
        crown = _box(self.u, lean + 0.20, self.width * 0.92 + 0.02, 0.26, 0.13)
        self.stroke(self.felt, _both(crown, lean), here)
        band = _both(crown, lean - 0.01, -(lean + 0.10))
        self.stroke(torch.lerp(self.felt, _colour(_WHITE), 0.75), band, here)
        brim = _ellipse(self.u, lean - 0.02 - 0.10 * self.u**2, self.width + 0.20, 0.065)
        self.stroke(self.felt * 0.82, brim, here)
