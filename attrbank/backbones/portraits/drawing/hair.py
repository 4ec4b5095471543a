"""Hair behind and in front of the head, and the beard."""

from __future__ import annotations

import torch
from torch import Tensor

from attrbank.backbones.portraits.drawing.head import outline
from attrbank.backbones.portraits.drawing.mouth import PLACE
from attrbank.backbones.portraits.drawing.scene import Scene
from attrbank.backbones.portraits.shapes import arc, both, box, ellipse, ramp


def _waves(scene: Scene) -> Tensor:
    """How far the outline of the hair swings, along the height."""
    return 0.026 * scene.get("wave") * (scene.v * 15).sin()


def _hang(scene: Scene) -> Tensor:
    """How low long hair reaches, in the head's frame."""
    return -0.10 + 1.02 * ramp(scene.get("hair_length"), 0.28, 1.05)


def behind(scene: Scene) -> None:
    """Hair behind neck and shoulders; grows downwards with its length."""
    m, u, v, length = scene.m, scene.u, scene.v, scene.get("hair_length")
    bottom, top = _hang(scene), -0.30
    wide = m.width + 0.045 + 0.075 * ramp(length, 0.3, 0.9)
    middle, half = (bottom + top) / 2, (bottom - top) / 2
    scene.stroke(
        m.hair * 0.80, box(u + _waves(scene), v - middle, wide, half.clamp(min=0.05), 0.16), ramp(length, 0.28, 0.36)
    )


def _scalp(scene: Scene) -> Tensor:
    m, length = scene.m, scene.get("hair_length")
    grow = 0.012 + 0.065 * ramp(length, 0.05, 0.5)
    curls = 0.016 * scene.get("wave") * ramp(length, 0.1, 0.3) * (torch.atan2(scene.u, -scene.v) * 9).cos()
    return ellipse(scene.u, scene.v + 0.06, m.width + grow, m.height + grow - 0.01) - curls


def _hairline(scene: Scene) -> Tensor:
    """The height below which the forehead is bare: parted or with a fringe, and receding with age."""
    u, m, fringe = scene.u, scene.m, scene.get("fringe")
    parting = (scene.get("parting") - 0.5) * 0.34
    parted = -0.43 + 1.05 * ((u - parting) ** 2 + 1e-4) ** 0.7
    fringed = -0.235 + 1.5 * (u.abs() - 0.24).clamp(min=0) ** 1.5 - 0.014 * (u * 26 + parting * 20).cos()
    on_top = 1 - ramp(u.abs(), 0.26, 0.40)  # what is left grows at the sides
    recede = (0.05 + 0.08 * m.man) * ramp(scene.get("age"), 0.40, 1.0) * on_top
    temples = 1.3 * recede * torch.exp(-(((u.abs() - 0.23) / 0.10) ** 2))
    bangs = ramp(fringe, 0.45, 0.55)
    short = 0.30 * (1 - ramp(scene.get("hair_length"), 0.0, 0.10))
    return torch.lerp(parted, fringed, bangs) - recede - temples - short


def front(scene: Scene) -> None:
    """The cap of hair, locks beside the face where it is long, and a shine."""
    m, u, v, length = scene.m, scene.u, scene.v, scene.get("hair_length")
    here, long = ramp(length, 0.03, 0.12), ramp(length, 0.34, 0.50)
    bottom = _hang(scene)
    middle, half = (bottom - 0.34) / 2, ((bottom + 0.34) / 2).clamp(min=0.03)
    thick = 0.045 + 0.045 * ramp(length, 0.4, 0.9)
    inwards = 0.10 * ramp(-v, 0.0, 0.36)  # so that locks start under the cap
    across = u.abs() - m.width - 0.025 + inwards + _waves(scene) * (0.4 + v.clamp(0, 1))
    lock = box(across, v - middle, thick, half, thick * 0.95)
    scene.stroke(m.hair, lock, long)
    part = scene.window(-1.0, 0.35, -0.8, 0.8)
    scalp = _scalp(part)
    side = 0.03 + 0.10 * part.m.man * (1 - part.m.child)
    cap = both(scalp, (part.v - _hairline(part)) * 0.75, part.v - side - 0.05)
    part.stroke(part.m.hair, cap, here)
    shine = arc(part.u + 0.10, part.v + part.m.height - 0.015, 0.16, 0.045, 0.018)
    part.soft(part.m.hair * 1.25 + 0.08, both(shine, cap), 0.045, 0.55 * here)


def beard(scene: Scene) -> None:
    """A shadow that thickens to a beard, and then grows down over the chest; drawn on those who have one."""
    chosen = (scene.portraits.column("beard") > 0).nonzero().flatten()
    if not len(chosen):
        return
    copy = scene.rows(chosen)
    part = copy.window(-0.25, 1.0, -0.75, 0.75)
    m, u, v, amount = part.m, part.u, part.v, part.get("beard")
    thickness = 0.12 + 0.30 * ramp(amount, 0.05, 0.30) + 0.58 * ramp(amount, 0.30, 0.45)
    long = ramp(amount, 0.52, 1.0)
    colour = torch.lerp(m.skin * 0.5, m.hair * 0.93, ramp(amount, 0.0, 0.4))
    along = (u.abs() / m.width).clamp(max=1.2)
    top = 0.225 - 0.20 * along**2
    chin = torch.minimum(outline(part) - 0.005 - 0.035 * ramp(amount, 0.35, 0.6), _long(part, long))
    lips = ellipse(u, v - PLACE - 0.010 - 0.025 * m.smile, 0.135 + 0.045 * m.smile, 0.052 + 0.045 * m.smile)
    part.stroke(colour, both(chin, top - v, -lips), thickness)
    part.stroke(
        colour * 0.95,
        arc(u, v - PLACE + 0.066 + 0.028 * m.smile, 0.135, 0.035, 0.018 + 0.012 * ramp(amount, 0.3, 0.5)),
        thickness,
    )
    scene.put(chosen, copy)


def _long(scene: Scene, long: Tensor) -> Tensor:
    """A tongue of hair from the chin downwards."""
    m = scene.m
    half = 0.10 + 0.24 * long
    return ellipse(scene.u, scene.v - m.height * 0.72 - half * 0.55, m.width * (0.55 + 0.22 * long), half + 0.10)
