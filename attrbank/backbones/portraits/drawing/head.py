"""The head: outline, ears, cheeks, nose, and what age writes into the skin."""

from __future__ import annotations

import torch
from torch import Tensor

from attrbank.backbones.portraits.drawing.scene import Scene, rgb
from attrbank.backbones.portraits.shapes import arc, both, box, ellipse, ramp


def outline(scene: Scene, grow: float = 0.0) -> Tensor:
    """Distance to the face: a soft oval, pointed below where feminine, square where masculine, jowled by age."""
    m, u, v = scene.m, scene.u, scene.v
    below = (v / m.height).clamp(0, 1.1) ** 2
    taper = 1 - (0.19 * (1 - m.man) * (1 - 0.7 * m.child) - 0.07 * m.old) * below
    oval = ellipse(u / taper, v, m.width + grow, m.height + grow)
    jaw = box(u, v + 0.01, m.width * 0.97 + grow, m.height * 0.98 + grow, 0.26)
    return torch.lerp(oval, jaw, (0.70 * m.man * (1 - m.child) + 0.16 * m.old).clamp(max=0.8))


def head(scene: Scene) -> None:
    """Ears, face, a shadow on one side, blush."""
    part = scene.window(-0.75, 0.85, -0.75, 0.75)
    m, u, v = part.m, part.u, part.v
    size = 1 + 0.18 * m.old
    part.stroke(m.skin * 0.92, ellipse(u.abs() - m.width - 0.005, v - 0.02, 0.068 * size, 0.10 * size))
    part.stroke(m.skin * 0.76, ellipse(u.abs() - m.width - 0.012, v - 0.02, 0.032, 0.055))
    face = outline(part)
    part.stroke(m.skin, face)
    part.soft(m.skin * 0.86, both(face, -ellipse(u + 0.09, v + 0.05, m.width, m.height + 0.03)), 0.12, 0.55)
    blush = torch.lerp(m.skin, rgb((0.98, 0.38, 0.38)), 0.45)
    part.soft(blush, ellipse(u.abs() - 0.27, v - 0.15, 0.10, 0.07), 0.09, (0.40 + 0.35 * m.smile) * (1 - 0.5 * m.old))


def nose(scene: Scene) -> None:
    """A shaded tip with a light ridge; age makes it longer."""
    part = scene.window(-0.25, 0.5, -0.4, 0.4)
    m, u, v = part.m, part.u, part.v
    tip = 0.085 + 0.055 * part.get("nose") + 0.025 * m.old - 0.035 * m.child
    wide = 0.050 + 0.020 * m.man * (1 - m.child) + 0.014 * m.old
    part.stroke(m.skin * 0.72, arc(u, v - tip - 0.025, wide, -0.034, 0.0135))
    part.soft(m.skin * 1.10, ellipse(u - 0.006, v - tip + 0.055, 0.026, 0.075), 0.04, 0.7)


def wrinkles(scene: Scene) -> None:
    """Lines that come with age: folds beside the mouth, bags, then the forehead and the corners of the eyes."""
    part = scene.window(-0.55, 0.6, -0.6, 0.6)
    m, u, v, age = part.m, part.u, part.v, part.get("age")
    line, side = m.skin * 0.70, u.abs()
    folds, lines = ramp(age, 0.30, 0.75), ramp(age, 0.45, 0.90)
    fold_u, fold_v = side - 0.165, v - 0.20
    part.stroke(line, box(fold_u - 0.40 * fold_v, fold_v, 0.012, 0.05 + 0.045 * folds, 0.011), folds)
    bag = arc(side - m.eye_x, v - m.eye * 1.32 - 0.012, m.eye * 0.95, -0.030, 0.012)
    part.stroke(line, bag, 0.85 * folds)
    for row, wide in enumerate((0.20, 0.17)):
        height = v + m.height * 0.60 + 0.065 * row - 0.02
        part.stroke(line, arc(u, height, wide, 0.022, 0.012), lines)
    corner = side - m.eye_x - m.eye * 1.22 - 0.045
    for turn in (-0.55, 0.55):
        part.stroke(line, arc(corner, v - 0.01 - turn * (corner + 0.045), 0.034, 0.0, 0.0115), lines)
