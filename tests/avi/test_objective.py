from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
import torch

from attrbank.avi.exact import solve
from attrbank.avi.objective import Lambdas, objective, pose
from attrbank.errors import InvalidValueError
from attrbank.schema.choices import Tail
from tests.helpers.algorithm1 import objective_channel
from tests.helpers.latents import HARD, hard, pair

TAILS: tuple[Tail, ...] = ("text", "alg1")
SHAPES = [(2, 3, 8, 8), (2, 3, 9, 6), (2, 3, 6, 9)]
UNEQUAL = Lambdas(3, 7, 11, 13)
"""The paper's last three weights are one number, so that nobody would see them in each other's place."""


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_objective_is_that_of_the_slow_reference(
    shape: tuple[int, ...], tail: Tail, generator: torch.Generator
) -> None:
    x, z = pair(generator, *shape)
    s, delta_s = torch.randn(2, *shape[:2], min(shape[2:]), generator=generator, dtype=torch.float64)
    losses = objective(pose(x, z, 2, tail), s, delta_s, UNEQUAL)
    for sample in range(shape[0]):
        channels = zip(*(np.asarray(part[sample]) for part in (x, z, s, delta_s)), strict=True)
        expected = sum(objective_channel(*channel, 2, tail, astuple(UNEQUAL)) for channel in channels)
        assert losses[sample].item() == pytest.approx(expected, rel=1e-10)


def test_the_weights_are_those_of_the_paper() -> None:
    assert astuple(Lambdas()) == (3, 10, 10, 10)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_weights_without_a_unique_minimum_are_refused(weight: float) -> None:
    with pytest.raises(InvalidValueError):
        Lambdas(source_spectrum=weight)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_vanishes_at_the_exact_solution(
    shape: tuple[int, ...], tail: Tail, generator: torch.Generator
) -> None:
    problem = pose(*pair(generator, *shape), None, tail)
    s, delta_s = (part.requires_grad_() for part in solve(problem, UNEQUAL))
    gradients = torch.autograd.grad(objective(problem, s, delta_s, UNEQUAL).sum(), (s, delta_s))
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-8


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0])
def test_no_perturbation_improves_on_the_exact_solution(size: float, tail: Tail, generator: torch.Generator) -> None:
    problem = pose(*pair(generator, 2, 3, 8, 8), None, tail)
    s, delta_s = solve(problem, UNEQUAL)
    least = objective(problem, s, delta_s, UNEQUAL)
    for _ in range(50):
        noise = size * torch.randn(2, *s.shape, generator=generator, dtype=torch.float64)
        assert bool((objective(problem, s + noise[0], delta_s + noise[1], UNEQUAL) > least).all())


def test_the_exact_solution_beats_the_singular_values_of_z(generator: torch.Generator) -> None:
    problem = pose(*pair(generator, 4, 3, 8, 8), None, "text")
    control = objective(problem, problem.s_z, problem.s_x - problem.s_z)
    assert bool((objective(problem, *solve(problem)) < control).all())


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("name", HARD)
def test_finite_latents_have_finite_solutions_and_losses(name: str, tail: Tail) -> None:
    problem = pose(hard(name), hard(name).flip(-1), None, tail)
    s, delta_s = solve(problem)
    assert bool(torch.isfinite(torch.cat([s, delta_s])).all())
    assert bool(torch.isfinite(objective(problem, s, delta_s)).all())


def test_the_solution_grows_with_the_latents(generator: torch.Generator) -> None:
    x, z = pair(generator, 1, 2, 6, 6)
    once, tenfold = solve(pose(x, z, None, "text")), solve(pose(10 * x, 10 * z, None, "text"))
    torch.testing.assert_close(tenfold[0], 10 * once[0], atol=1e-10, rtol=0)
    torch.testing.assert_close(tenfold[1], 10 * once[1], atol=1e-10, rtol=0)
