"""Distances and order along ways on which they are known."""

from __future__ import annotations

import math

import pytest
import torch
from attrbank_findings.distance import distances
from attrbank_findings.order import mobility
from torch import Tensor

AXES = torch.eye(6, dtype=torch.float64)


def latent(columns: Tensor, s: list[float]) -> Tensor:
    """A latent (1, 1, 6, 6) whose left vectors are given and whose right ones are the axes."""
    return ((columns * torch.tensor(s, dtype=torch.float64)) @ AXES)[None, None]


def turned(angle: float) -> Tensor:
    columns = AXES.clone()
    columns[:, 0] = math.cos(angle) * AXES[:, 0] + math.sin(angle) * AXES[:, 5]
    columns[:, 5] = math.cos(angle) * AXES[:, 5] - math.sin(angle) * AXES[:, 0]
    return columns


def test_a_subspace_that_turns_on_one_side_is_half_as_far() -> None:
    path = torch.stack([latent(turned(angle), [6, 5, 4, 3, 2, 1]) for angle in (0.0, 0.1, 0.4)])
    to_next, to_last = distances(path, p=3)
    torch.testing.assert_close(to_next.flatten(), torch.tensor([0.1, 0.3], dtype=torch.float64) / 2)
    torch.testing.assert_close(to_last.flatten(), torch.tensor([0.4, 0.3], dtype=torch.float64) / 2)


def test_a_subspace_of_everything_does_not_move() -> None:
    to_next, to_last = distances(torch.randn(3, 2, 2, 6, 6, dtype=torch.float64), p=6)
    assert max(to_next.max(), to_last.max()).item() == pytest.approx(0, abs=1e-12)


def test_vectors_that_change_places_have_moved_and_the_others_have_stayed() -> None:
    path = torch.stack([latent(AXES, [6, 5, 4, 3, 2, 1]), latent(AXES, [6, 2.5, 4, 3, 2, 1])])
    kept, shift, cosine = mobility(path)
    assert kept.tolist() == [[1, 0, 0, 0, 1, 1]]
    assert shift.tolist() == [[0, 2, 1, 1, 0, 0]]
    torch.testing.assert_close(cosine, torch.ones(1, 6, dtype=torch.float64))
