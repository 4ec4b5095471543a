"""Glasses, hats and earrings, each drawn on those who wear it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attrbank.backbones.portraits.drawing.scene import INK_COLOUR, WHITE_COLOUR, Scene, rgb
from attrbank.backbones.portraits.palette import GOLD
from attrbank.backbones.portraits.parameters import KINDS
from attrbank.backbones.portraits.shapes import arc, both, box, either, ellipse

FRAME = 0.0175
"""Half the thickness of a frame: more than two pixels in all."""


def _on(scene: Scene, name: str, kind: str, draw: Callable[[Scene], None]) -> None:
    """Draw on those for whom a kind is what they have."""
    chosen = (scene.portraits.column(name) == KINDS[name].index(kind)).nonzero().flatten()
    if len(chosen):
        copy = scene.rows(chosen)
        draw(copy)
        scene.put(chosen, copy)


def glasses(scene: Scene) -> None:
    """Round, square or sun glasses."""
    _on(scene, "glasses", "round", _round)
    _on(scene, "glasses", "square", _square)
    _on(scene, "glasses", "sun", _sun)


def _lens_place(scene: Scene) -> tuple[Tensor, Tensor]:
    return scene.u.abs() - scene.m.eye_x - 0.008, scene.v - 0.005


def _round(scene: Scene) -> None:
    part = scene.window(-0.40, 0.40, -0.70, 0.70)
    u, v = _lens_place(part)
    _clear(part, ellipse(u, v, 0.150, 0.150))


def _square(scene: Scene) -> None:
    part = scene.window(-0.40, 0.40, -0.70, 0.70)
    u, v = _lens_place(part)
    _clear(part, box(u, v, 0.155, 0.118, 0.035))


def _clear(scene: Scene, lens: Tensor) -> None:
    scene.stroke(rgb((0.86, 0.94, 1.0)), lens, 0.20)
    _frame(scene, lens.abs() - FRAME)


def _frame(scene: Scene, rim: Tensor) -> None:
    """Rims, the bridge between them and the arms to the ears."""
    m, u, v = scene.m, scene.u, scene.v
    bridge = arc(u, v + 0.030, 0.045, 0.014, 0.015)
    start = m.eye_x + 0.155
    reach = ((m.width - start) / 2).clamp(min=0.012)
    arm = box(u.abs() - start - reach, v + 0.030, reach, 0.0145, 0.010)
    scene.stroke(INK_COLOUR, either(rim, bridge, arm))


def _sun(scene: Scene) -> None:
    part = scene.window(-0.40, 0.40, -0.70, 0.70)
    u, v = _lens_place(part)
    lens = box(u, v - 0.01, 0.160, 0.125, 0.09)
    part.stroke(rgb((0.14, 0.15, 0.19)), lens, 0.96)
    across = u * part.u.sign()  # both lenses mirror the same light
    glint = both(box(across + 0.045 + 0.6 * (v - 0.01), v - 0.005, 0.024, 0.075, 0.01), lens + 0.035)
    part.stroke(rgb((0.62, 0.68, 0.76)), glint, 0.75)
    _frame(part, lens.abs() - FRAME * 0.8)


def earrings(scene: Scene) -> None:
    """Golden rings below the ears, over the hair."""
    _on(scene, "earrings", "rings", _rings)


def _rings(scene: Scene) -> None:
    part = scene.window(-0.10, 0.50, -0.75, 0.75)
    m, u, v = part.m, part.u, part.v
    ring = ellipse(u.abs() - m.width - 0.020, v - 0.185, 0.046, 0.052)
    part.stroke(rgb((0.45, 0.30, 0.10)), ring.abs() - 0.024, 0.55)
    part.stroke(rgb(GOLD), ring.abs() - 0.0165)


def hat(scene: Scene) -> None:
    """A baseball cap, a hat with a brim, or a beanie."""
    _on(scene, "hat", "cap", _cap)
    _on(scene, "hat", "brim", _brim)
    _on(scene, "hat", "beanie", _beanie)


def _dome(scene: Scene, rise: float, grow: float) -> tuple[Tensor, Tensor]:
    """The distance to a dome over the head, and the height above its edge (positive below)."""
    m, below = scene.m, scene.v + scene.m.height * 0.60
    dome = ellipse(scene.u, below, m.width + grow, m.height * 0.40 + rise)
    return both(dome, below), below


def _cap(scene: Scene) -> None:
    part = scene.window(-1.0, 0.15)
    m, u = part.m, part.u
    dome, below = _dome(part, 0.15, 0.075)
    part.stroke(m.felt, dome)
    seam = both(dome, arc(below + 0.20, u, 0.22, 0.0, 0.010))
    part.stroke(m.felt * 0.75, seam)
    part.soft(m.felt * 1.25 + 0.05, both(dome, ellipse(u + 0.20, below + 0.24, 0.06, 0.10)), 0.08, 0.55)
    along = (u / m.width) ** 2
    visor = both(ellipse(u, below - 0.015, m.width * 0.96, 0.115), -(below + 0.045 - 0.05 * along))
    part.stroke(m.felt * 0.62, visor)
    part.stroke(m.felt * 0.88, both(visor, below - 0.045 + 0.03 * along))
    part.stroke(torch.lerp(m.felt, WHITE_COLOUR, 0.85), ellipse(u, below + 0.185, 0.075, 0.075), 1.0)


def _brim(scene: Scene) -> None:
    part = scene.window(-1.0, 0.15)
    m, u = part.m, part.u
    below = part.v + m.height * 0.58
    crown = both(box(u, below + 0.16, m.width * 0.86 + 0.02, 0.27, 0.13), below)
    part.stroke(m.felt, crown)
    part.soft(m.felt * 1.25 + 0.05, both(crown, ellipse(u + 0.20, below + 0.26, 0.06, 0.08)), 0.08, 0.5)
    part.stroke(m.felt * 0.50, both(crown, -(below + 0.13)))
    part.stroke(m.felt * 0.85, ellipse(u, below - 0.01 - 0.10 * u**2, m.width + 0.225, 0.070))


def _beanie(scene: Scene) -> None:
    part = scene.window(-1.0, 0.15)
    m, u = part.m, part.u
    dome, below = _dome(part, 0.17, 0.070)
    tip = ellipse(u, below + m.height * 0.40 + 0.205, 0.105, 0.105)
    part.stroke(torch.lerp(m.felt, WHITE_COLOUR, 0.55), tip)
    part.stroke(m.felt, dome)
    cuff = box(u, below + 0.055, m.width + 0.085, 0.085, 0.06)
    part.stroke(m.felt * 0.78, cuff)
    for place in (-0.32, -0.16, 0.0, 0.16, 0.32):
        part.stroke(m.felt * 0.62, box(u - place, below + 0.055, 0.012, 0.062, 0.01))
