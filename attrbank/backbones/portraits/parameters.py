"""What a portrait is made of, and how its parts go together in the training data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

ATTRIBUTES = ("man", "old", "smiling", "glasses", "hat", "beard")
"""Binary attributes; the opposites are woman, young, serious and "without"."""

IDENTITY = (
    "background",
    "skin",
    "hair",
    "clothes",
    "muted",
    "head_x",
    "head_y",
    "tilt",
    "face_width",
    "face_height",
    "eye_spacing",
    "eye_size",
    "nose",
    "mouth_width",
)
"""What makes a person that person, each in [0, 1]; ``muted`` is 0 or 1."""

# P(attribute | its parent is 0), P(attribute | its parent is 1). As in real data the attributes are
# entangled, so that "change only this" is a real test; every combination is drawn.
ENTANGLEMENT: dict[str, tuple[str | None, float, float]] = {
    "man": (None, 0.5, 0.5),
    "old": (None, 0.5, 0.5),
    "smiling": ("man", 0.7, 0.3),
    "glasses": ("old", 0.3, 0.7),
    "hat": ("man", 0.15, 0.5),
    "beard": ("man", 0.05, 0.5),
    "muted": ("old", 0.25, 0.75),
}


@dataclass(frozen=True)
class Portraits:
    """N portraits as parameters.

    Shapes:
        attributes: (N, 6), 0 or 1, columns as in ``ATTRIBUTES``.
        identity: (N, 14), in [0, 1], columns as in ``IDENTITY``.
    """

    attributes: Tensor
    identity: Tensor

    def __len__(self) -> int:
        return self.attributes.shape[0]

    def __getitem__(self, rows: slice | Tensor) -> Portraits:
        return Portraits(self.attributes[rows], self.identity[rows])

    def column(self, name: str) -> Tensor:
        """One attribute or identity parameter, (N,)."""
        if name in ATTRIBUTES:
            return self.attributes[:, ATTRIBUTES.index(name)]
        return self.identity[:, IDENTITY.index(name)]

    def having(self, attribute: str, value: float) -> Portraits:
        """The same people with one attribute set to 0 or 1 and nothing else changed."""
        attributes = self.attributes.clone()
        attributes[:, ATTRIBUTES.index(attribute)] = value
        return replace(self, attributes=attributes)


def draw(count: int, seed: int) -> Portraits:
    """``count`` portraits from the entangled distribution; the same seed gives the same people."""
    generator = torch.Generator().manual_seed(seed)
    identity = torch.rand(count, len(IDENTITY), generator=generator)
    drawn: dict[str, Tensor] = {}
    for name, (parent, if_absent, if_present) in ENTANGLEMENT.items():
        given = drawn[parent] if parent else torch.zeros(count)
        probability = if_absent + (if_present - if_absent) * given
        drawn[name] = (torch.rand(count, generator=generator) < probability).float()
    identity[:, IDENTITY.index("muted")] = drawn["muted"]
    return Portraits(torch.stack([drawn[name] for name in ATTRIBUTES], dim=1), identity)
