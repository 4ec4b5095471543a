from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attrbank.avi.difference import (
    DifferenceVectors,
    add_difference,
    difference_from,
    least_squares_cores,
    mean_vectors,
    predicted_difference,
    shared_vectors,
    unit,
)
from attrbank.errors import InvalidValueError, NumericError
from tests.helpers.latents import HARD, hard


@pytest.fixture
def differences(generator: torch.Generator) -> Tensor:
    shared = torch.randn(1, 4, 10, 8, generator=generator, dtype=torch.float64)
    return shared + 2 * torch.randn(12, 4, 10, 8, generator=generator, dtype=torch.float64)


def random_subspaces(generator: torch.Generator, rank: int) -> DifferenceVectors:
    u = torch.linalg.qr(torch.randn(4, 10, rank, generator=generator, dtype=torch.float64)).Q
    v = torch.linalg.qr(torch.randn(4, 8, rank, generator=generator, dtype=torch.float64)).Q
    return DifferenceVectors(u, v.mT)


@pytest.mark.parametrize("name", HARD)
def test_strength_zero_is_the_identity_bit_for_bit(name: str, generator: torch.Generator) -> None:
    x = hard(name)
    y = add_difference(x, torch.randn(x.shape[1:], generator=generator), 0.0)
    assert x.dtype == y.dtype
    assert torch.equal(x.view(torch.uint8), y.view(torch.uint8))


@pytest.mark.parametrize("strength", [-2.0, -0.5, 0.3, 1.0, 4.0])
def test_the_edit_is_linear_in_the_strength(strength: float, generator: torch.Generator) -> None:
    x, difference = torch.randn(2, 3, 4, 6, 6, generator=generator, dtype=torch.float64)
    full = add_difference(x, difference, 1.0) - x
    torch.testing.assert_close(add_difference(x, difference, strength) - x, strength * full, atol=1e-12, rtol=0)


def test_attributes_add(generator: torch.Generator) -> None:
    x, one, other = torch.randn(3, 2, 4, 6, 6, generator=generator, dtype=torch.float64)
    in_turn = add_difference(add_difference(x, one, 0.7), other, -0.4)
    swapped = add_difference(add_difference(x, other, -0.4), one, 0.7)
    torch.testing.assert_close(in_turn, swapped, atol=1e-12, rtol=0)


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), -float("inf")])
def test_a_strength_that_is_not_finite_is_refused(strength: float) -> None:
    with pytest.raises(InvalidValueError):
        add_difference(torch.zeros(1, 1, 2, 2), torch.ones(1, 2, 2), strength)


def test_a_difference_or_a_result_that_is_not_finite_is_refused() -> None:
    x = torch.ones(1, 1, 2, 2, dtype=torch.float16)
    with pytest.raises(NumericError, match="difference"):
        add_difference(x, torch.full((1, 2, 2), float("nan")), 0.0)
    with pytest.raises(NumericError, match="edited latent"):
        add_difference(x, torch.full((1, 2, 2), 1e4), 10.0)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_the_mean_s_vectors_leave_the_least_that_any_rank_can_leave(
    rank: int, differences: Tensor, generator: torch.Generator
) -> None:
    mean = differences.mean(0)
    vectors, core = mean_vectors(differences, rank)
    left = (mean - difference_from(vectors, core)).square().sum(dim=(-2, -1))
    # Eckart and Young: exactly the energy of the singular values that were cut off.
    torch.testing.assert_close(left, torch.linalg.svdvals(mean)[:, rank:].square().sum(-1), atol=1e-9, rtol=0)
    for _ in range(20):
        rival = random_subspaces(generator, rank)
        rival_core = least_squares_cores(mean.unsqueeze(0), rival)[0]
        assert bool((left <= (mean - difference_from(rival, rival_core)).square().sum(dim=(-2, -1)) + 1e-9).all())


def test_the_mean_s_core_is_diagonal_and_descending(differences: Tensor) -> None:
    _, core = mean_vectors(differences, 4)
    diagonal = core.diagonal(dim1=-2, dim2=-1)
    assert torch.equal(torch.diag_embed(diagonal), core)
    assert bool((diagonal.diff(dim=-1) <= 0).all())


def test_shared_vectors_carry_more_of_every_seed_than_random_ones(
    differences: Tensor, generator: torch.Generator
) -> None:
    def carried(vectors: DifferenceVectors) -> float:
        return least_squares_cores(differences, vectors).square().sum().item()

    best = carried(shared_vectors(differences, 3))
    assert all(carried(random_subspaces(generator, 3)) < best for _ in range(20))


def test_shared_vectors_find_a_subspace_whose_differences_cancel_in_the_mean(generator: torch.Generator) -> None:
    hidden = random_subspaces(generator, 3)
    cores = torch.randn(6, 4, 3, 3, generator=generator, dtype=torch.float64)
    differences = difference_from(hidden, torch.cat([cores, -cores]))
    found = shared_vectors(differences, 3)
    again = difference_from(found, least_squares_cores(differences, found))
    torch.testing.assert_close(again, differences, atol=1e-9, rtol=0)


def test_least_squares_cores_beat_every_other_core(differences: Tensor, generator: torch.Generator) -> None:
    vectors = shared_vectors(differences, 3)
    cores = least_squares_cores(differences, vectors)
    least = (differences - difference_from(vectors, cores)).square().sum()
    for _ in range(20):
        other = cores + 0.01 * torch.randn(cores.shape, generator=generator, dtype=torch.float64)
        assert (differences - difference_from(vectors, other)).square().sum() > least


@pytest.mark.parametrize("rank", [1, 4, 8])
def test_the_unit_gives_the_mean_the_size_of_one_difference(rank: int, differences: Tensor) -> None:
    vectors, core = mean_vectors(differences, rank)
    predicted = difference_from(vectors, core)
    restored = unit(differences, predicted) * predicted
    typical = differences.square().sum(dim=(1, 2, 3)).mean().sqrt()
    assert restored.norm().item() == pytest.approx(typical.item(), rel=1e-9)


def test_the_unit_of_predictions_per_seed_restores_their_rms(differences: Tensor) -> None:
    assert unit(differences, differences / 4) == pytest.approx(4)
    assert unit(differences, differences) == pytest.approx(1)


def test_equal_prompts_have_no_unit(differences: Tensor) -> None:
    with pytest.raises(InvalidValueError, match="no difference to learn"):
        unit(torch.zeros_like(differences), torch.zeros_like(differences[0]))


def test_a_difference_is_scaled_to_the_signal_at_t_x() -> None:
    source, target = torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 2.0)
    torch.testing.assert_close(predicted_difference(source, target, 0.25), torch.ones(1, 1, 2, 2))
    with pytest.raises(InvalidValueError):
        predicted_difference(source, target, 1.5)
    with pytest.raises(NumericError):
        predicted_difference(source, target * float("inf"), 0.25)


@pytest.mark.parametrize("rank", [-1, 0, 9])
def test_a_rank_that_the_latents_do_not_have_is_refused(rank: int, differences: Tensor) -> None:
    with pytest.raises(InvalidValueError):
        mean_vectors(differences, rank)
    with pytest.raises(InvalidValueError):
        shared_vectors(differences, rank)


@pytest.mark.parametrize("name", HARD)
def test_finite_differences_have_finite_vectors(name: str) -> None:
    differences = hard(name).repeat(3, 1, 1, 1)
    vectors, core = mean_vectors(differences, 2)
    shared = shared_vectors(differences, 2)
    results = (difference_from(vectors, core), difference_from(shared, least_squares_cores(differences, shared)))
    assert all(bool(torch.isfinite(result).all()) for result in results)


def test_a_difference_that_is_not_finite_has_no_vectors(differences: Tensor) -> None:
    differences[3, 1, 2, 3] = float("nan")
    with pytest.raises(NumericError):
        mean_vectors(differences, 2)
    with pytest.raises(NumericError):
        shared_vectors(differences, 2)
