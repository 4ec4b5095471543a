"""Distances between distributions whose distance is known."""

from __future__ import annotations

import pytest
import torch

from attrbank.evaluation.numbers.distributions import diversity, frechet_distance, kernel_distance


def test_a_shift_is_its_squared_length():
    features = torch.randn(50, 3)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(features, features + torch.tensor([3.0, 4.0, 0.0])) == pytest.approx(25, rel=1e-5)


def test_a_stretch_is_the_squared_difference_of_the_deviations():
    features = torch.randn(50, 1).repeat(1, 2) * torch.tensor([1.0, 0.0])
    deviation = features[:, 0].std().item()
    distance = frechet_distance(features, 3 * features - 2 * features.mean(0))
    assert distance == pytest.approx((2 * deviation) ** 2, rel=1e-4)


def test_more_features_than_pictures_give_no_imaginary_distance():
    assert frechet_distance(torch.randn(5, 40), torch.randn(7, 40)) > 0


def test_the_kernel_distance_is_unbiased():
    same = [kernel_distance(torch.randn(20, 4), torch.randn(20, 4)) for _ in range(200)]
    assert min(same) < 0 < max(same)
    assert sum(same) / len(same) == pytest.approx(0, abs=3 * torch.tensor(same).std().item() / 200**0.5)


def test_the_kernel_distance_is_its_definition():
    a, b = torch.randn(4, 3).double(), torch.randn(5, 3).double()

    def kernel(x, y):
        return ((x @ y) / 3 + 1) ** 3

    aa = sum(kernel(a[i], a[j]) for i in range(4) for j in range(4) if i != j) / 12
    bb = sum(kernel(b[i], b[j]) for i in range(5) for j in range(5) if i != j) / 20
    ab = sum(kernel(x, y) for x in a for y in b) / 20
    assert kernel_distance(a, b) == pytest.approx((aa + bb - 2 * ab).item())


def test_diversity_is_the_spread_that_is_left_on_average():
    before = torch.randn(50, 3)
    assert diversity(before, before + 7) == pytest.approx(1)
    assert diversity(before, before * torch.tensor([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert diversity(before, before.flip(0)) == pytest.approx(1)


def test_what_never_varied_has_no_say_in_diversity():
    before = torch.randn(50, 2) * torch.tensor([1.0, 0.0])
    assert diversity(before, torch.randn(50, 2) * torch.tensor([0.0, 1.0])) == 0
    assert diversity(torch.zeros(5, 2), torch.randn(5, 2)) == 1
