from __future__ import annotations

import numpy as np
import pytest
import torch

from attrbank.avi.exact import solve
from attrbank.avi.factors import Factors, factorise, reconstruct
from attrbank.avi.integrate import (
    Tail,
    Weights,
    apply_edit,
    blend_weights,
    head_size,
    integrate,
    reverse_order,
    tail_of,
)
from attrbank.avi.objective import pose
from attrbank.errors import IncompatibleError, InvalidValueError, NumericError
from tests.helpers.algorithm1 import edit_channel, integrate_channel
from tests.helpers.latents import HARD, hard, pair

TAILS: tuple[Tail, ...] = ("text", "alg1")
STRENGTHS = tuple(tenth / 10 for tenth in range(11))


def edit(x: torch.Tensor, z: torch.Tensor, rho: float, tail: Tail, weights: Weights = "blend", k: int | None = None):
    """The paper's edit from end to end, with the exact S and Δs."""
    x_factors, z_factors = factorise(x), factorise(z)
    s, delta_s = solve(pose(x, z, k, tail))
    u_hat, vh_hat = integrate(x_factors, z_factors, k, rho, tail)
    return apply_edit(x, x_factors, u_hat, blend_weights(weights, x_factors.s, s, delta_s, rho), vh_hat)


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes()


def flipped(factors: Factors, generator: torch.Generator) -> Factors:
    signs = torch.randint(0, 2, factors.s.shape, generator=generator).to(factors.s.dtype) * 2 - 1
    return Factors(factors.u * signs.unsqueeze(-2), factors.s, factors.vh * signs.unsqueeze(-1))


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("name", HARD)
def test_strength_zero_is_the_identity_bit_for_bit(name: str, tail: Tail) -> None:
    x = hard(name)
    z = torch.roll(x, 1, dims=-1) + (0 if name in ("tiny", "huge") else 0.1)
    assert bits(x) == bits(edit(x, z.to(x.dtype), 0.0, tail))


def test_strength_zero_keeps_negative_zeros(generator: torch.Generator) -> None:
    x, z = pair(generator, 1, 2, 8, 8, dtype=torch.float32)
    x[0, 0, 0] = -0.0
    assert bits(x) == bits(edit(x, z, 0.0, "text"))


@pytest.mark.parametrize("tail", TAILS)
def test_at_strength_zero_the_integrated_vectors_are_those_of_x(tail: Tail, generator: torch.Generator) -> None:
    x, z = (factorise(latent) for latent in pair(generator, 2, 4, 8, 6))
    u_hat, vh_hat = integrate(x, z, 3, 0.0, tail)
    assert torch.equal(x.u, u_hat)
    assert torch.equal(x.vh, vh_hat)


@pytest.mark.parametrize("weights", ["blend", "s", "s+ds", "s_x"])
@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("name", HARD)
def test_finite_latents_give_finite_edits(name: str, tail: Tail, rho: float, weights: Weights) -> None:
    x = hard(name)
    y = edit(x, x.flip(-1), rho, tail, weights)
    assert bool(torch.isfinite(y).all())
    assert (x.shape, x.dtype) == (y.shape, y.dtype)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("side", ["x", "z"])
def test_a_latent_that_is_not_finite_is_refused(side: str, bad: float, generator: torch.Generator) -> None:
    x, z = pair(generator, 1, 2, 6, 6)
    (x if side == "x" else z)[0, 1, 2, 3] = bad
    with pytest.raises(NumericError):
        edit(x, z, 0.5, "text")


def test_an_edit_that_overflows_half_precision_is_refused(generator: torch.Generator) -> None:
    x = factorise(torch.ones(1, 1, 4, 4, dtype=torch.float16))
    with pytest.raises(NumericError, match="edited latent"):
        apply_edit(torch.ones(1, 1, 4, 4, dtype=torch.float16), x, x.u, x.s * 1e6, x.vh)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("rho", STRENGTHS)
def test_the_edit_does_not_depend_on_the_signs_of_either_decomposition(
    rho: float, tail: Tail, generator: torch.Generator
) -> None:
    x, z = pair(generator, 2, 4, 12, 12)
    x_factors, z_factors = factorise(x), factorise(z)
    s = z_factors.s
    u_hat, vh_hat = integrate(x_factors, z_factors, 6, rho, tail)
    expected = apply_edit(x, x_factors, u_hat, s, vh_hat)
    for _ in range(10):
        x_flipped, z_flipped = flipped(x_factors, generator), flipped(z_factors, generator)
        u_hat, vh_hat = integrate(x_flipped, z_flipped, 6, rho, tail)
        torch.testing.assert_close(apply_edit(x, x_flipped, u_hat, s, vh_hat), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("shape", [(2, 3, 6, 6), (2, 3, 9, 6), (2, 3, 6, 9)])
@pytest.mark.parametrize("rho", [0.0, 0.3, 1.0])
def test_the_edit_is_that_of_the_slow_reference(
    shape: tuple[int, ...], k: int, rho: float, tail: Tail, generator: torch.Generator
) -> None:
    x, z = pair(generator, *shape)
    s, _ = solve(pose(x, z, k, tail))
    y = edit(x, z, rho, tail, k=k)
    for sample in range(shape[0]):
        for channel in range(shape[1]):
            arrays = (np.asarray(part[sample, channel]) for part in (x, z, s))
            expected = torch.from_numpy(edit_channel(*arrays, k, rho, tail))
            torch.testing.assert_close(y[sample, channel], expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("tail", TAILS)
def test_each_integrated_pair_is_that_of_the_slow_reference(tail: Tail, generator: torch.Generator) -> None:
    x, z = pair(generator, 1, 1, 7, 5)
    u_hat, vh_hat = integrate(factorise(x), factorise(z), 2, 0.4, tail)
    u_expected, v_expected = integrate_channel(np.asarray(x[0, 0]), np.asarray(z[0, 0]), 2, 0.4, tail)
    for i in range(5):
        torch.testing.assert_close(
            torch.outer(u_hat[0, 0, :, i], vh_hat[0, 0, i]),
            torch.from_numpy(np.outer(u_expected[:, i], v_expected[i])),
            atol=1e-10,
            rtol=0,
        )


@pytest.mark.parametrize(("tail", "order"), [("text", [3, 2, 1, 0]), ("alg1", [5, 4, 3, 2])])
def test_the_two_readings_take_these_vectors_of_z(tail: Tail, order: list[int], generator: torch.Generator) -> None:
    z = factorise(pair(generator, 1, 1, 6, 6)[1])
    u, vh = tail_of(z, 2, tail)
    assert torch.equal(z.u[..., order], u)
    assert torch.equal(z.vh[..., order, :], vh)


def test_reversing_twice_changes_nothing(generator: torch.Generator) -> None:
    z = factorise(pair(generator, 1, 2, 6, 4)[1])
    u, vh = reverse_order(z.u, z.vh)
    assert torch.equal(z.u[..., -1], u[..., 0])
    assert torch.equal(z.vh[..., -1, :], vh[..., 0, :])
    assert all(torch.equal(a, b) for a, b in zip((z.u, z.vh), reverse_order(u, vh), strict=True))


def test_one_banked_z_serves_a_batch(generator: torch.Generator) -> None:
    x, z = pair(generator, 3, 2, 6, 6)
    together = edit(x, z[:1], 0.7, "text")
    for sample in range(3):
        alone = edit(x[sample : sample + 1], z[:1], 0.7, "text")
        torch.testing.assert_close(together[sample : sample + 1], alone, atol=1e-12, rtol=0)


def test_the_four_weights_are_what_they_are_called(generator: torch.Generator) -> None:
    s_x, s, delta_s = torch.rand(3, 1, 2, 5, generator=generator)
    assert torch.equal(s_x, blend_weights("blend", s_x, s, delta_s, 0.0))
    assert torch.equal(s, blend_weights("blend", s_x, s, delta_s, 1.0))
    torch.testing.assert_close((s_x + s) / 2, blend_weights("blend", s_x, s, delta_s, 0.5))
    assert torch.equal(s, blend_weights("s", s_x, s, delta_s, 0.5))
    assert torch.equal(s + delta_s, blend_weights("s+ds", s_x, s, delta_s, 0.5))
    assert torch.equal(s_x, blend_weights("s_x", s_x, s, delta_s, 0.5))


def test_the_head_of_x_survives_a_graft_at_full_strength(generator: torch.Generator) -> None:
    x, z = (factorise(latent) for latent in pair(generator, 1, 2, 8, 8))
    u_hat, vh_hat = integrate(x, z, 5, 1.0, "alg1")
    head = reconstruct(u_hat[..., :5], x.s[..., :5], vh_hat[..., :5, :])
    assert torch.equal(reconstruct(x.u[..., :5], x.s[..., :5], x.vh[..., :5, :]), head)


@pytest.mark.parametrize("rho", [-0.1, 1.1, 1e9, float("nan"), float("inf")])
def test_a_strength_outside_zero_to_one_is_refused(rho: float, generator: torch.Generator) -> None:
    x, z = (factorise(latent) for latent in pair(generator, 1, 1, 4, 4))
    with pytest.raises(InvalidValueError):
        integrate(x, z, 2, rho, "text")
    with pytest.raises(InvalidValueError):
        blend_weights("blend", x.s, x.s, x.s, rho)


@pytest.mark.parametrize("k", [-1, 0, 8, 9])
def test_a_head_that_leaves_no_tail_or_is_empty_is_refused(k: int) -> None:
    with pytest.raises(InvalidValueError):
        head_size(8, k)


def test_the_head_is_half_of_all_vectors_by_default() -> None:
    assert (head_size(64), head_size(32), head_size(5)) == (32, 16, 2)
    with pytest.raises(InvalidValueError):
        head_size(1)


def test_latents_of_different_shapes_are_refused(generator: torch.Generator) -> None:
    with pytest.raises(IncompatibleError):
        integrate(factorise(torch.ones(1, 4, 8, 8)), factorise(torch.ones(1, 4, 8, 6)), None, 0.5, "text")
