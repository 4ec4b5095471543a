"""Count what a network is asked, at the network itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from attrbank.diffusion.protocols import Backbone


@contextmanager
def counting(backbone: Backbone) -> Iterator[Callable[[], int]]:
    """Gives a function that tells the rows that the backbone was asked to predict meanwhile."""
    rows, predict = [0], type(backbone).predict

    def counted(self, latent, timestep, conditioning):
        rows[0] += len(latent)
        return predict(self, latent, timestep, conditioning)

    with patch.object(type(backbone), "predict", counted):
        yield lambda: rows[0]
