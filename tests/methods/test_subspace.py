"""The iteration, on matrices whose singular vectors are chosen."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attrbank.methods.subspace import MOST, Subspace, signed, sine, strongest, within

SHAPE = (2, 4, 4)
N = 32


def matrix(*values: float) -> tuple[Tensor, Tensor]:
    """A matrix with these singular values, and its right singular vectors, one a row."""
    left, right = (torch.linalg.qr(torch.randn(N, len(values), dtype=torch.float64))[0] for _ in range(2))
    return (left @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ right.T).float(), right.T.float()


def found(jacobian: Tensor, count: int, wanted: int | None = None) -> Subspace:
    def push(rows: Tensor) -> Tensor:
        return (rows.flatten(1) @ jacobian.T).reshape(rows.shape)

    def pull(rows: Tensor) -> Tensor:
        return (rows.flatten(1) @ jacobian).reshape(rows.shape)

    return strongest(push, pull, torch.randn(count, *SHAPE), wanted=wanted)


def test_it_finds_the_singular_vectors_and_values_to_a_ten_thousandth() -> None:
    jacobian, right = matrix(9.0, 5.0, 3.0, 1.0, 0.5)
    subspace = found(jacobian, 3)
    for vector, true in zip(subspace.vectors.flatten(1), right, strict=False):
        assert float((vector - true * torch.sign(vector @ true)).norm()) < 1e-4
    torch.testing.assert_close(subspace.values, torch.tensor([9.0, 5.0, 3.0]), atol=1e-4, rtol=1e-4)
    assert subspace.turned < 1e-4
    assert subspace.iterations < MOST


def test_it_stops_where_vectors_go_on_turning_in_a_span_that_is_found() -> None:
    jacobian, right = matrix(4.0, 4.0, 4.0, 1.0)
    subspace = found(jacobian, 3)
    assert subspace.iterations < 15
    assert sine(right[:3], subspace.vectors.flatten(1)) < 1e-4


def test_directions_that_change_nothing_are_not_among_them() -> None:
    jacobian, right = matrix(2.0, 1.0)
    subspace = found(jacobian, 5)
    assert len(subspace.vectors) == len(subspace.values) == 2
    assert sine(right, subspace.vectors.flatten(1)) < 1e-4
    assert subspace.iterations < 15


@pytest.mark.parametrize("degrees", [0.01, 1, 30, 90])
def test_the_sine_is_that_of_the_angle_whatever_the_signs(degrees: float) -> None:
    angle = torch.deg2rad(torch.tensor(degrees))
    one, other = torch.eye(N)[:2], torch.eye(N)[:2].clone()
    other[1] = -(angle.cos() * torch.eye(N)[1] + angle.sin() * torch.eye(N)[2])
    assert sine(one, other) == pytest.approx(float(angle.sin()), rel=1e-3)


def test_what_is_not_wanted_need_not_be_found() -> None:
    jacobian, right = matrix(9.0, 5.0, 3.0, 2.99, 2.98)
    subspace = found(jacobian, 3, wanted=1)
    assert subspace.iterations < found(jacobian, 3).iterations
    assert len(subspace.vectors) == 3
    assert sine(right[:1], subspace.vectors.flatten(1)[:1]) < 1e-4


def test_within_a_span_is_what_lies_in_it_and_the_rest_is_at_right_angles() -> None:
    _, right = matrix(1.0, 1.0, 1.0)
    vector, span = torch.randn(SHAPE), right.reshape(-1, *SHAPE)
    inside = within(vector, span)
    assert float((right @ (vector - inside).flatten()).abs().max()) < 1e-5
    torch.testing.assert_close(within(inside, span), inside)


def test_of_both_signs_one_is_taken() -> None:
    vector = torch.randn(SHAPE)
    assert torch.equal(signed(vector), signed(-vector))
    assert float(signed(vector).flatten()[vector.abs().argmax()]) > 0
