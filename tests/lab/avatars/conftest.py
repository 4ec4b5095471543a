"""Eight figures, two of each style, drawn once: tests need no node."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lab.avatars import cutouts as cutouts_module
from lab.avatars.cutouts import Cutouts
from lab.avatars.figures import Figure

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def cutouts() -> Cutouts:
    figures = [Figure(**stored) for stored in json.loads((DATA / "figures.json").read_text())]
    return Cutouts(figures, np.load(DATA / "pictures.npz")["pictures"])


@pytest.fixture
def no_node(cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is drawn looks like one of the eight of that style."""

    def draw(figures: Sequence[Figure]) -> Cutouts:
        of_style = {figure.style: picture for figure, picture in zip(cutouts.figures, cutouts.pictures, strict=True)}
        return Cutouts(list(figures), np.stack([of_style[figure.style] for figure in figures]))

    monkeypatch.setattr(cutouts_module, "draw", draw)
