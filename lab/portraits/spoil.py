"""Ways to spoil a picture: what an oracle must read through, and the damage that a detector must see."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from attrbank.backbones.portraits.drawing.scene import ZOOM, measure
from attrbank.backbones.portraits.parameters import KINDS, NAMES, Portraits, draw
from attrbank.backbones.portraits.render import SIZE, render
from lab import spoiling
from lab.portraits.renders import other_glasses
from lab.spoiling import Chance, blur, disc, wiped


def _spot(images: Tensor, chance: Chance, low: float, high: float) -> Tensor:
    """A soft disc somewhere on the head, (N, 1, h, w) in [0, 1], its radius a share of the width."""
    x, y = chance.number(0.25, 0.75), chance.number(0.2, 0.8)
    return disc(x, y, chance.number(low, high), images.shape[-1])


# What does not change what is shown. An oracle is trained on pictures that went through one of these.


def soften(images: Tensor, chance: Chance) -> Tensor:
    """Blur of random strength, or sharpening."""
    return torch.lerp(images, blur(images, 1), chance.number(-0.8, 1.0)).clamp(0, 1)


def grain(images: Tensor, chance: Chance) -> Tensor:
    """Noise of random strength."""
    return (images + chance.grain(images) * chance.number(0, 0.08)).clamp(0, 1)


def cover(images: Tensor, chance: Chance) -> Tensor:
    """A small disc of one colour in front of the picture."""
    colour = torch.rand(len(images), 3, 1, 1, generator=chance.generator, device=chance.device)
    return torch.lerp(images, colour.expand_as(images), _spot(images, chance, 0.03, 0.09))


BLEMISHES: tuple[Callable[[Tensor, Chance], Tensor], ...] = (soften, grain, cover)


def half_drawn(images: Tensor, others: Tensor) -> Tensor:
    """One side of the one pictures, the other side of the others: half a pair of glasses is no glasses to an oracle."""
    return torch.where(_left_of(torch.tensor(0.5), images), images, others)


def _left_of(x: Tensor, images: Tensor) -> Tensor:
    """What of pictures lies left of x, a share of the width."""
    return (torch.arange(images.shape[-1], device=images.device) + 0.5) / images.shape[-1] < x.to(images.device)


# Damage as a diffusion model makes it: it hits one eye, or what two people have in the same place. Each way takes
# pictures (N, 3, 128, 128) in [0, 1], the people whom they show, and chance, on the CPU.


def at(people: Portraits, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Where in a picture lies what a head has at (u, v): x and y as shares of the width and height.

    Shapes:
        u, v: (N, 1, 1, 1), in the head's own coordinates (``Scene``).
    """

    def get(name: str) -> Tensor:
        return people.column(name).view(-1, 1, 1, 1)

    angle = (get("tilt") - 0.5) * math.radians(16)
    x = u * angle.cos() - v * angle.sin() + 0.13 * (get("head_x") - 0.5)
    y = v * angle.cos() + u * angle.sin() + 0.03 + 0.09 * (get("head_y") - 0.5) + 0.03 * measure(people).child
    return (x * ZOOM + 1) / 2, (y * ZOOM + 1) / 2


def _eye(people: Portraits, chance: Chance, low: float = 0.05, high: float = 0.085) -> Tensor:
    """A soft disc about one of the eyes."""
    side = torch.where(chance.number() < 0.5, -1.0, 1.0) * measure(people).eye_x
    x, y = at(people, side + chance.number(-0.04, 0.04), chance.number(-0.05, 0.05))
    return disc(x, y, chance.number(low, high), SIZE)


def _part(people: Portraits, chance: Chance, low: float, high: float) -> Tensor:
    """A soft disc somewhere on the head."""
    x, y = at(people, chance.number(-0.4, 0.4), chance.number(-0.45, 0.55))
    return disc(x, y, chance.number(low, high), SIZE)


def _eye_smeared(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    return torch.lerp(images, wiped(images, 4), _eye(people, chance) * chance.number(0.6, 1))


def _eye_faint(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    skin = (measure(people).skin * chance.number(0.75, 1.05)).clamp(0, 1)
    return torch.lerp(images, skin.expand_as(images), _eye(people, chance, 0.02, 0.05) * chance.number(0.4, 0.95))


def _eye_double(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    moved = torch.where(chance.number() < 0.5, images.roll((2, 3), (2, 3)), images.roll((-3, -4), (2, 3)))
    return torch.lerp(images, moved, _eye(people, chance, 0.06, 0.10) * chance.number(0.4, 0.6))


def _eye_of_another(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    return torch.lerp(images, images.roll(1, 0), _eye(people, chance) * chance.number(0.5, 1))


def _eye_melted(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    return spoiling.melt(images, _eye(people, chance, 0.07, 0.12) * chance.number(2, 4), chance)


def _lens(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    """One lens is missing, or faint; on those without glasses, one is left."""
    middle, _ = at(people, torch.zeros(len(people), 1, 1, 1), torch.zeros(len(people), 1, 1, 1))
    side = _left_of(middle, images) ^ (chance.number() < 0.5)
    return torch.lerp(images, render(other_glasses(people)), side * chance.number(0.5, 1))


def _glasses_faint(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    return torch.lerp(images, render(other_glasses(people)), chance.number(0.35, 0.65))


def _beard_faint(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    """A beard that is half there, in any colour of hair."""
    count = (len(people),)
    colour = torch.randint(len(KINDS["hair_colour"]), count, generator=chance.generator).float()
    bearded = people.having("beard", chance.number(0.3, 0.9).flatten()).having("hair_colour", colour)
    return torch.lerp(images, render(bearded), spoiling.patches(chance, 6) * chance.number(0.4, 0.9))


def _mixed(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    """Somebody like them shines through in one place."""
    shining = chance.number(0.35, 0.65)
    return torch.lerp(images, render(_alike(people, chance)), _part(people, chance, 0.15, 0.35) * shining)


MIXED = (
    "expression",
    "beard",
    "hair_length",
    "build",
    "age",
    "hat",
    "hair_colour",
    "skin",
    "mouth_width",
    "hat_colour",
)


def _alike(people: Portraits, chance: Chance) -> Portraits:
    """The same people with three in ten of ``MIXED`` another's."""
    seed = int(torch.randint(1 << 30, (1,), generator=chance.generator))
    others, values = draw(len(people), seed), people.values.clone()
    for column in map(NAMES.index, MIXED):
        taken = chance.number().flatten() < 0.3
        values[taken, column] = others.values[taken, column]
    return Portraits(values)


def _stained(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    """The right light and the wrong colour in patches of one place."""
    colour = torch.rand(len(images), 3, 1, 1, generator=chance.generator)
    tinted = (images.mean(1, keepdim=True) + 0.8 * (colour - colour.mean(1, keepdim=True))).clamp(0, 1)
    where = _part(people, chance, 0.06, 0.2) * spoiling.patches(chance, 8)
    return torch.lerp(images, tinted, where * chance.number(0.5, 1))


def _melted(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    return spoiling.melt(images, _part(people, chance, 0.12, 0.3) * chance.number(3, 6), chance)


def _smeared(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    return torch.lerp(images, wiped(images), _part(people, chance, 0.1, 0.22))


def _hole(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    return spoiling.hole(images, _part(people, chance, 0.04, 0.1) * chance.number(0.6, 1), chance)


DAMAGES: Mapping[str, Callable[[Tensor, Portraits, Chance], Tensor]] = MappingProxyType(
    {
        "eye-smeared": _eye_smeared,
        "eye-faint": _eye_faint,
        "eye-double": _eye_double,
        "eye-of-another": _eye_of_another,
        "eye-melted": _eye_melted,
        "lens": _lens,
        "glasses-faint": _glasses_faint,
        "melted": _melted,
        "stained": _stained,
        "smeared": _smeared,
        "mixed": _mixed,
        "beard-faint": _beard_faint,
        "hole": _hole,
    }
)


def damaged(images: Tensor, people: Portraits, chance: Chance) -> Tensor:
    """Each picture with one kind of damage, in turn.

    Shapes:
        images: of these people, (N, 3, 128, 128) in [0, 1].
    """
    found = images.clone()
    for number, spoil in enumerate(DAMAGES.values()):
        rows = slice(number, None, len(DAMAGES))
        if count := len(images[rows]):
            found[rows] = spoil(images[rows], people[rows], chance.part(count)).clamp(0, 1)
    return found
