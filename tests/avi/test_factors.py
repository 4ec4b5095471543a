from __future__ import annotations

import pytest
import torch

from attrbank.avi import factors
from attrbank.avi.factors import align_signs, factorise, reconstruct, require_finite
from attrbank.errors import NumericError
from tests.helpers.latents import HARD, hard


@pytest.mark.parametrize("name", HARD)
def test_factors_are_orthonormal_sorted_and_give_the_latent_back(name: str) -> None:
    latent = hard(name)
    u, s, vh = factorise(latent)
    identity = torch.eye(s.shape[-1]).expand(*s.shape, -1)
    torch.testing.assert_close(u.mT @ u, identity, atol=1e-5, rtol=0)
    torch.testing.assert_close(vh @ vh.mT, identity, atol=1e-5, rtol=0)
    assert bool((s.diff(dim=-1) <= 0).all())
    size = latent.float().abs().max().item() or 1.0
    torch.testing.assert_close(reconstruct(u, s, vh) / size, latent.float() / size, atol=1e-5, rtol=0)


def test_float64_is_kept_and_half_precision_becomes_float32() -> None:
    assert factorise(torch.ones(1, 1, 2, 2, dtype=torch.float64)).s.dtype == torch.float64
    assert factorise(torch.ones(1, 1, 2, 2, dtype=torch.float16)).s.dtype == torch.float32


def test_an_empty_batch_has_empty_factors() -> None:
    u, s, vh = factorise(torch.zeros(0, 4, 8, 6))
    assert (u.shape, s.shape, vh.shape) == ((0, 4, 8, 6), (0, 4, 6), (0, 4, 6, 6))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_single_bad_element_is_refused_before_the_decomposition(bad: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "_decompose", lambda matrix: pytest.fail("the SVD saw a latent that is not finite"))
    latent = torch.zeros(1, 4, 8, 8)
    latent[0, 2, 3, 4] = bad
    with pytest.raises(NumericError):
        factorise(latent)


def test_a_decomposition_that_fails_is_tried_once_more_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = torch.linalg.svd, []

    def stubborn(matrix: torch.Tensor, full_matrices: bool) -> object:
        seen.append(matrix.dtype)
        if matrix.dtype == torch.float32:
            raise factors.LinAlgError("did not converge")
        return real(matrix, full_matrices=full_matrices)

    monkeypatch.setattr(torch.linalg, "svd", stubborn)
    assert factorise(torch.ones(1, 1, 4, 4)).s.dtype == torch.float32
    assert seen == [torch.float32, torch.float64]


def test_a_decomposition_that_never_converges_is_a_numeric_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def hopeless(matrix: torch.Tensor, full_matrices: bool) -> object:
        raise factors.LinAlgError("did not converge")

    monkeypatch.setattr(torch.linalg, "svd", hopeless)
    with pytest.raises(NumericError, match="converge"):
        factorise(torch.ones(1, 1, 4, 4))


def test_singular_values_that_overflow_are_a_numeric_error() -> None:
    with pytest.raises(NumericError, match="spectrum"):
        factorise(torch.full((1, 1, 8, 8), 3e38))


def test_aligned_pairs_agree_and_keep_their_product(generator: torch.Generator) -> None:
    x = factorise(torch.randn(2, 3, 6, 6, generator=generator))
    z = factorise(torch.randn(2, 3, 6, 6, generator=generator))
    u, vh = align_signs(x.u, x.vh, z.u, z.vh)
    assert bool(((x.u * u).sum(-2) + (x.vh * vh).sum(-1) >= 0).all())
    torch.testing.assert_close(reconstruct(u, z.s, vh), reconstruct(*z), atol=0, rtol=0)


def test_orthogonal_pairs_get_the_same_sign_whichever_way_they_come() -> None:
    x_u, x_vh = torch.tensor([[1.0], [0.0]]), torch.tensor([[1.0, 0.0]])
    z_u, z_vh = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0, 1.0]])
    one = align_signs(x_u, x_vh, z_u, z_vh)
    other = align_signs(x_u, x_vh, -z_u, -z_vh)
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])
    mirrored = align_signs(-x_u, -x_vh, z_u, z_vh)
    assert torch.equal(one[0], -mirrored[0])


def test_the_refusal_names_what_is_not_finite() -> None:
    with pytest.raises(NumericError, match=r"^The banked latent holds NaN or infinity\.$"):
        require_finite(torch.tensor([1.0, float("nan")]), "The banked latent")
