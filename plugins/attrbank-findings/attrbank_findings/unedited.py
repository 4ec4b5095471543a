"""Pictures before anything is done to them, and what can be said of the same pictures afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from attrbank.plugin import (
    ATTRIBUTES,
    IDENTITY,
    Bench,
    Change,
    Estimate,
    InvalidValueError,
    OracleJudge,
    Pictures,
    Subject,
    degree,
    flips,
    identities,
    identity_spread,
    mean,
    perceptual_distance,
    share,
)
from attrbank_findings.scene import Scene

Readings: TypeAlias = dict[str, Estimate]
"""Figures by name, each with its interval over pictures."""


@dataclass(frozen=True, eq=False)
class Unedited:
    """Pictures to compare with.

    Attributes:
        images: (B, 3, h, w) in [0, 1].
        view: what the judge sees in them; None without one.
    """

    bench: Bench
    images: Tensor
    judge: OracleJudge | None
    view: Pictures | None

    @classmethod
    def of(cls, scene: Scene) -> Unedited:
        """All pictures of a scene."""
        images = scene.bench.images(scene.bench.unedited)
        return cls(scene.bench, images, scene.judge, scene.judge.look(images) if scene.judge else None)

    def lacking(self, subject: Subject) -> Unedited:
        """Those in which the judge does not see the attribute; all of them without a judge.

        Raises:
            InvalidValueError: it sees the attribute in every picture.
        """
        if self.judge is None or self.view is None:
            return self
        rows = self.judge.lacking(subject, self.view)
        if not rows.any():
            raise InvalidValueError(
                f"Every picture has what {subject.label} promises.", hint="Choose other --seeds, or another --prompt."
            )
        return Unedited(self.bench.only(rows), self.images[rows], self.judge, self.view[rows])

    def compared(self, after: Tensor) -> Readings:
        """What has changed: pixels and, for a judge, perceptual distance, flips, and where to each reading moved.

        Attributes move in the renderer's units, identity by its standard deviation over renders, both with a sign.

        Shapes:
            after: (B, 3, h, w) in [0, 1].
        """
        found = {"change": Change()(self.images, after)}
        if self.judge is not None and self.view is not None:
            seen = self.judge.look(after)
            found |= {"perceptual": perceptual_distance(self.view, seen), "flips": flips(self.view, seen, "")}
            found |= _moves(self.view, seen)
        return _estimated(found)

    def judged(self, subject: Subject, after: Tensor) -> Readings:
        """What an evaluation says of an edit; without a judge, how much the pixels have changed.

        Shapes:
            after: (B, 3, h, w) in [0, 1].
        """
        found = {"change": Change()(self.images, after)}
        if self.judge is not None and self.view is not None:
            found |= self.judge.figures(subject, self.view, self.judge.look(after))
        return _estimated(found)


def told(readings: Readings, names: Iterable[str]) -> list[str]:
    """Some figures for a table; a dash where nobody could tell."""
    return [f"{readings[name].value:.3f}" if name in readings else "-" for name in names]


def largest_move(readings: Readings) -> str:
    """The trait that moved furthest in one direction, as "skin -1.24"; a dash if none surely did.

    Attributes are no traits: they have units of their own.
    """
    moves = {name: readings[name] for name in IDENTITY if name in readings}
    sure = {name: found.value for name, found in moves.items() if found.low > 0 or found.high < 0}
    if not sure:
        return "-"
    name = max(sure, key=lambda name: abs(sure[name]))
    return f"{name} {sure[name]:+.2f}"


def _moves(before: Pictures, after: Pictures) -> dict[str, Tensor]:
    identity = (identities(after) - identities(before)) / identity_spread()  # (B, 22)
    moved = {name: degree(name, after) - degree(name, before) for name in ATTRIBUTES}
    return moved | dict(zip(IDENTITY, identity.T, strict=True))


def _estimated(found: Mapping[str, Tensor]) -> Readings:
    return {
        name: share(values.numpy()) if values.dtype == torch.bool else mean(values.double().numpy())
        for name, values in found.items()
    }
