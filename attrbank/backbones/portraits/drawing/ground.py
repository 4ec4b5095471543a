"""The background, and the body below the head."""

from __future__ import annotations

import torch

from attrbank.backbones.portraits.drawing.scene import WHITE_COLOUR, Scene
from attrbank.backbones.portraits.palette import colour_of
from attrbank.backbones.portraits.shapes import arc, both, box, ellipse


def background(scene: Scene) -> None:
    """A plain wall, lighter in a disc behind the head and darker towards the corners."""
    colour = colour_of(scene.portraits, "background_colour")[:, :, None, None]
    axis = torch.linspace(-1, 1, scene.canvas.shape[-1])
    shade = 1 - 0.10 * (axis.view(1, 1, 1, -1) ** 2 + axis.view(1, 1, -1, 1) ** 2)
    scene.canvas.copy_(colour * shade)
    scene.stroke(WHITE_COLOUR, (scene.x**2 + (scene.y + 0.02) ** 2).sqrt() - 0.84, 0.22)


def body(scene: Scene) -> None:
    """Neck, shoulders and one of three collars."""
    part = scene.window(0.20, 1.0)
    m, x, y = part.m, part.x, part.y
    shadow = m.skin * 0.82
    neck = 0.125 + 0.06 * m.man * (1 - m.child)
    shoulder = 0.70 + 0.18 * m.man - 0.08 * m.child
    torso = ellipse(x, y - 1.25 - 0.03 * m.old, shoulder, 0.60)
    part.stroke(m.clothes, torso)
    part.stroke(m.clothes * 0.86, both(torso, shoulder * 0.66 - x.abs() + 0.25 * (y - 1)))
    part.stroke(shadow, ellipse(x, y - 0.68, neck + 0.075, 0.16))
    part.stroke(shadow, box(x, y - 0.50, neck, 0.24, 0.06))
    _collar(part, neck)


def _collar(scene: Scene, neck: torch.Tensor) -> None:
    """Round below a third of ``collar``, a V below two thirds, a shirt's collar above."""
    m, x, y, kind = scene.m, scene.x, scene.y, scene.get("collar")
    round_one, v_neck, shirt = (
        (kind < 1 / 3).float(),
        ((kind >= 1 / 3) & (kind < 2 / 3)).float(),
        (kind > 2 / 3).float(),
    )
    rim = arc(x, y - 0.845, neck + 0.09, -0.13, 0.024)
    scene.stroke(m.clothes * 0.78, rim, round_one)
    wedge = both((x.abs() - 0.95 * (0.98 - y)) * 0.72, 0.68 - y, y - 0.98)
    scene.stroke(m.skin * 0.82, wedge, v_neck)
    scene.stroke(m.clothes * 0.78, both(wedge - 0.045, -wedge, 0.70 - y), v_neck)
    flap = both(
        box(x.abs() - neck * 0.5 - 0.06, y - 0.80, 0.105, 0.10, 0.03), 0.66 + 0.30 * x.abs() - y, 0.02 - x.abs()
    )
    scene.stroke(torch.lerp(m.clothes, WHITE_COLOUR, 0.55), flap, shirt)
    scene.stroke(m.clothes * 0.7, box(x, y - 0.92, 0.011, 0.08, 0.01), shirt)
