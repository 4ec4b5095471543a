from __future__ import annotations

import math

import pytest
import torch
from attrbank_findings.spectrum import (
    best_matches,
    geodesic_distance,
    leading_subspaces,
    principal_angles,
    singular_part,
)
from torch import Tensor

from attrbank.plugin import Factors, factorise, reconstruct

N, P = 9, 4


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def bases(generator: torch.Generator, count: int, p: int = P, dtype: torch.dtype = torch.float64) -> Tensor:
    drawn = torch.randn(count, N, p, generator=generator, dtype=torch.float64)
    return torch.linalg.qr(drawn).Q.to(dtype)


def test_equal_subspaces_are_at_distance_zero_whatever_the_basis(generator: torch.Generator) -> None:
    a = bases(generator, 5)
    turned = a @ torch.linalg.qr(torch.randn(5, P, P, generator=generator, dtype=torch.float64)).Q
    for same in (a, -a, a.flip(-1), a * torch.tensor([1.0, -1.0, -1.0, 1.0]), turned):
        assert geodesic_distance(a, same).max() < 1e-12


@pytest.mark.parametrize("p", [1, 2, 4])
def test_orthogonal_subspaces_are_as_far_apart_as_can_be(p: int) -> None:
    axes = torch.eye(N, dtype=torch.float64)
    distance = geodesic_distance(axes[:, :p], axes[:, p : 2 * p])
    torch.testing.assert_close(distance, torch.tensor(math.pi / 2 * math.sqrt(p), dtype=torch.float64))


@pytest.mark.parametrize("angle", [1e-9, 1e-5, 0.3, 1.0, math.pi / 2 - 1e-9, math.pi / 2])
def test_a_known_rotation_is_measured_at_any_size(angle: float) -> None:
    axes = torch.eye(N, dtype=torch.float64)
    a, b = axes[:, :P], axes[:, :P].clone()
    b[:, 0] = math.cos(angle) * axes[:, 0] + math.sin(angle) * axes[:, P]
    b[:, 1] = math.cos(0.1) * axes[:, 1] + math.sin(0.1) * axes[:, P + 1]
    expected = torch.tensor([0, 0, *sorted((0.1, angle))], dtype=torch.float64)
    torch.testing.assert_close(principal_angles(a, b), expected, rtol=1e-6, atol=1e-15)
    assert geodesic_distance(a, b).item() == pytest.approx(math.hypot(0.1, angle), rel=1e-12)


def test_geodesic_distance_is_a_distance(generator: torch.Generator) -> None:
    a, b, c = bases(generator, 200), bases(generator, 200), bases(generator, 200)
    near = torch.linalg.qr(a + 0.05 * b).Q
    torch.testing.assert_close(geodesic_distance(a, b), geodesic_distance(b, a))
    for middle in (c, near):
        assert bool((geodesic_distance(a, b) <= geodesic_distance(a, middle) + geodesic_distance(middle, b)).all())


def test_turning_both_subspaces_changes_nothing(generator: torch.Generator) -> None:
    a, b = bases(generator, 3), bases(generator, 3)
    turn = torch.linalg.qr(torch.randn(N, N, generator=generator, dtype=torch.float64)).Q
    torch.testing.assert_close(geodesic_distance(turn @ a, turn @ b), geodesic_distance(a, b))


def test_single_precision_bases_are_told_apart_where_a_cosine_would_not(generator: torch.Generator) -> None:
    a = bases(generator, 20)
    noise = 1e-5 * torch.randn(20, N, P, generator=generator, dtype=torch.float64)
    b = torch.linalg.qr(a + noise).Q
    torch.testing.assert_close(geodesic_distance(a.float(), b.float()), geodesic_distance(a, b), rtol=0.05, atol=0)


def test_the_strongest_vectors_span_the_best_approximation(generator: torch.Generator) -> None:
    latent = torch.randn(2, 3, 8, 6, generator=generator, dtype=torch.float64)
    factors = factorise(latent)
    left, right = leading_subspaces(factors, 2)
    assert (left.shape, right.shape) == ((2, 3, 8, 2), (2, 3, 6, 2))
    seen = left @ (left.mT @ latent @ right) @ right.mT
    torch.testing.assert_close(seen, reconstruct(factors.u[..., :2], factors.s[..., :2], factors.vh[..., :2, :]))


def test_every_pair_of_a_latent_stays_where_it_is(generator: torch.Generator) -> None:
    factors = factorise(torch.randn(2, 3, 7, 7, generator=generator, dtype=torch.float64))
    matches = best_matches(factors, factors)
    assert torch.equal(matches.rank, torch.arange(7).expand(2, 3, 7))
    torch.testing.assert_close(matches.cosine, torch.ones(2, 3, 7, dtype=torch.float64))


def test_pairs_that_change_places_are_followed_whatever_their_signs(generator: torch.Generator) -> None:
    u, _, vh = factorise(torch.randn(1, 1, 6, 6, generator=generator, dtype=torch.float64))
    before = Factors(u, torch.tensor([6.0, 5, 4, 3, 2, 1], dtype=torch.float64).expand(1, 1, 6), vh)
    weights = torch.tensor([2.5, 5, 4, 6, 2, 1], dtype=torch.float64)  # the first becomes the fourth
    after = factorise(-reconstruct(u, weights.expand(1, 1, 6), vh))
    matches = best_matches(before, after)
    assert matches.rank.flatten().tolist() == [3, 1, 2, 0, 4, 5]
    assert matches.cosine.min() > 1 - 1e-12


def test_half_turned_pairs_are_half_alike() -> None:
    axes = torch.eye(4, dtype=torch.float64)
    u = axes.clone()
    u[:, 0], u[:, 3] = (axes[:, 0] + axes[:, 3]) / math.sqrt(2), (axes[:, 3] - axes[:, 0]) / math.sqrt(2)
    s = torch.ones(4, dtype=torch.float64)
    cosine = best_matches(Factors(axes, s, axes), Factors(u, s, axes)).cosine
    torch.testing.assert_close(cosine, torch.tensor([0.5**0.5, 1, 1, 0.5**0.5], dtype=torch.float64))


@pytest.mark.parametrize("factor", [0.0, 0.5, 3.0])
def test_adding_part_of_a_vector_multiplies_its_singular_value_alone(generator: torch.Generator, factor: float) -> None:
    latent = torch.randn(2, 3, 6, 8, generator=generator, dtype=torch.float64)
    factors = factorise(latent)
    scaled = latent + (factor - 1) * singular_part(factors, 2)
    expected = factors.s.clone()
    expected[..., 2] *= factor
    torch.testing.assert_close(factorise(scaled).s, expected.sort(dim=-1, descending=True).values)
