"""Eyes and brows."""

from __future__ import annotations

import torch

from attrbank.backbones.portraits.drawing.scene import INK_COLOUR, WHITE_COLOUR, Scene
from attrbank.backbones.portraits.palette import EYES, along
from attrbank.backbones.portraits.shapes import arc, both, ellipse


def eyes(scene: Scene) -> None:
    """Large clear eyes; laughing narrows them from below, age and sorrow let the lids hang."""
    part = scene.window(-0.40, 0.40, -0.55, 0.55)
    m, u, v = part.m, part.u.abs() - part.m.eye_x, part.v
    lid = v + m.eye * (1 - 0.34 * m.old) - 0.30 * m.sad * (u + 0.01).clamp(min=-0.05)
    cheek = v - m.eye * (1 - 0.50 * m.smile.clamp(min=0.3).sub(0.3))
    white = both(ellipse(u, v, m.eye * 1.12, m.eye), -lid, cheek)
    part.stroke(WHITE_COLOUR, white)
    iris = along(EYES, part.portraits.column("eye_colour"))[:, :, None, None]
    part.stroke(iris, both(ellipse(u, v - 0.004, m.eye * 0.70, m.eye * 0.70), white))
    part.stroke(INK_COLOUR, both(ellipse(u, v - 0.004, m.eye * 0.40, m.eye * 0.40), white))
    left = part.u + m.eye_x, part.u - m.eye_x
    for across in left:
        part.stroke(WHITE_COLOUR, both(ellipse(across - m.eye * 0.24, v + m.eye * 0.28, 0.024, 0.024), white))
    part.stroke(m.skin * 0.66, both(white.abs() - 0.010, -(v - 0.01)), 0.55)
    upper = both(white.abs() - 0.0155 - 0.004 * (1 - m.man), v + m.eye * 0.12)
    part.stroke(INK_COLOUR, upper, 0.9)
    lash_u, woman = u - m.eye * 1.15, (1 - m.man) * (1 - 0.4 * m.child)
    part.stroke(INK_COLOUR, arc(lash_u, v + m.eye * 0.50 + 0.7 * lash_u, 0.034, 0.0, 0.013), woman.clamp(0, 1))


def brows(scene: Scene) -> None:
    """Brows rise with a laugh; their inner ends rise with sorrow; masculine ones are thicker and lower."""
    part = scene.window(-0.60, 0.15, -0.55, 0.55)
    m, side = part.m, part.u.abs() - part.m.eye_x
    colour = torch.lerp(m.hair * 0.74, INK_COLOUR, 0.15)
    rise = 0.085 - 0.018 * m.man + 0.030 * m.smile + 0.012 * m.sad
    thick = 0.013 + 0.011 * m.man * (1 - m.child) + 0.007 * part.get("brow")
    tilt = 0.42 * m.sad - 0.05
    across = part.v + m.eye + rise - tilt * side
    part.stroke(colour, arc(side - 0.004, across, 0.098, 0.028 - 0.012 * m.man, thick))
