"""What a judge must offer: the eyes of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from attrbank.evaluation.bench.subjects import Subject


class Judge(Protocol):
    """Looks at pictures and says what an edit did to them.

    What ``look`` gives is the judge's own; others only pick rows of it with ``view[rows]``.

    Attributes:
        name: as reports state it.
        weights: what identifies its weights.
    """

    name: str
    weights: str

    def look(self, images: Tensor) -> Any:
        """A view of images (B, 3, h, w) in [0, 1], so that each is looked at once."""
        ...

    def lacking(self, subject: Subject, view: Any) -> Tensor:
        """Which pictures the edit is to be judged on, because they lack the attribute, (B,) bool."""
        ...

    def figures(self, subject: Subject, before: Any, after: Any) -> Mapping[str, Tensor]:
        """One figure (B,) a picture by name.

        ``success`` is 1 where the attribute is seen, ``effect`` how surely. Where the judge can tell: ``flips``,
        the share of other attributes that changed; ``identity``, the change of what makes the person;
        ``perceptual``, the distance to the unedited picture. Any others are reported as they are.
        """
        ...

    def distances(self, subject: Subject, before: Any, after: Any) -> Mapping[str, float]:
        """``fid`` and ``kid`` of all pictures together; empty if there are too few."""
        ...

    def limit(self, subject: Subject) -> Mapping[str, float]:
        """The figures of a perfect edit, under the names of ``figures``; empty if nobody knows."""
        ...
