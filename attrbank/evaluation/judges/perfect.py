"""Perfect edits as a judge keeps them: what they cost, and what they look like to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

from torch import Tensor

from attrbank.evaluation.numbers.distributions import frechet_distance, kernel_distance


class PerfectEdits(NamedTuple):
    """Of one goal; the pictures' activations themselves would be hundreds of megabytes a goal.

    Attributes:
        costs: the mean of each figure.
        embedding: of the edited pictures, (N, D).
    """

    costs: Mapping[str, float]
    embedding: Tensor

    @classmethod
    def of(cls, figures: Mapping[str, Tensor], embedding: Tensor) -> Self:
        """Of figures, (N,) each, and embeddings, (N, D)."""
        return cls({name: values.float().mean().item() for name, values in figures.items()}, embedding)

    def distances(self, embedding: Tensor) -> Mapping[str, float]:
        """FID and KID of other pictures' embeddings, (M, D), to these; nothing of fewer than two."""
        if len(embedding) < 2:
            return {}
        return {
            "fid": frechet_distance(embedding, self.embedding),
            "kid": kernel_distance(embedding, self.embedding),
        }
