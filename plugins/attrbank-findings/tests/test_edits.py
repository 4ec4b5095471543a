"""What sweeps, grafts and ablations do to a latent."""

from __future__ import annotations

import pytest
import torch
from attrbank_findings import ablation, rho, sweep
from attrbank_findings.graft import Graft
from attrbank_findings.scene import Scene
from attrbank_findings.sweep import RandomVector, ScaledVector, Sweep

from attrbank.plugin import Avi, Bench, complete, factorise, learn_attribute, learn_spec, load_plugins, pose, solve
from tests.helpers.tiny_bench import SOURCE, TARGET


def quiet(stage: str, done: int, total: int) -> None:
    pass


@pytest.mark.parametrize("edit", [ScaledVector(1), RandomVector(1)])
def test_a_factor_of_one_leaves_the_latent_alone(edit) -> None:
    x = torch.randn(2, 3, 8, 6)
    assert torch.equal(edit(x, None, 0.0), x)


def test_a_factor_of_zero_takes_one_vector_out() -> None:
    x = torch.randn(2, 3, 8, 6, dtype=torch.float64)
    s = factorise(x).s
    left = factorise(ScaledVector(1)(x, None, -1.0)).s
    torch.testing.assert_close(left, torch.cat([s[..., :1], s[..., 2:], torch.zeros_like(s[..., :1])], dim=-1))


def test_the_control_steps_as_far_in_every_channel_and_elsewhere_in_every_picture() -> None:
    x = torch.randn(1, 3, 8, 6).expand(2, 3, 8, 6)
    step = RandomVector(1)(x, None, 0.5) - x
    torch.testing.assert_close(step.flatten(2).norm(dim=2), 0.5 * factorise(x).s[..., 1])
    assert factorise(step).s[..., 1].max() < 1e-5
    assert torch.cosine_similarity(step[0].flatten(), step[1].flatten(), dim=0).abs() < 0.5


def test_a_sweep_measures_every_point_beside_its_control(bench: Bench) -> None:
    found = sweep.inspect(Scene.of(bench), Sweep((1, 3), (0.0, 1.0), (0.8, 0.4)), quiet)
    points = found.figures.points
    assert len(points) == 8
    assert len(found.rows) == 16
    for point in points:
        for readings in (point.scaled, point.random):
            assert (readings["change"].value > 1e-5) == (point.factor == 0)


def test_the_graft_is_the_edit_of_a_stored_attribute_with_the_exact_solver(backbone, bench: Bench) -> None:
    spec = learn_spec("old", [SOURCE], [TARGET], vectors="paper", solver="exact", z="own", seeds=(0,), steps=10)
    spec = complete(spec, backbone).model_copy(update={"guidance_scale": 3.0})
    stored = learn_attribute(spec, Avi(), backbone, load_plugins().sampler("ddim"))
    graft = Graft(bench, TARGET)
    expected = bench.images(bench.edited([bench.act(stored, 0.6)]))
    torch.testing.assert_close(graft.images(graft.latents(0.6)), expected)
    assert torch.equal(graft.latents(0.0), graft.x)


def test_a_term_that_is_left_out_no_longer_counts() -> None:
    x, z = torch.randn(2, 1, 2, 8, 8, dtype=torch.float64)
    problem = pose(x, z, None, "text")
    s, _ = solve(problem, ablation.OBJECTIVES["no L1"])
    torch.testing.assert_close(s, problem.s_z, rtol=1e-6, atol=1e-6)
    s, delta_s = solve(problem, ablation.OBJECTIVES["no L2"])
    torch.testing.assert_close(s + delta_s, problem.s_x, rtol=1e-6, atol=1e-6)
    moved = problem._replace(s_z=problem.s_z + 1)
    with_l3 = solve(moved)[0] - solve(problem)[0]
    without = solve(moved, ablation.OBJECTIVES["no L3"])[0] - solve(problem, ablation.OBJECTIVES["no L3"])[0]
    assert without.norm() < 1e-3 * with_l3.norm()


def test_half_of_the_terms_have_no_say_in_either_edit(bench: Bench, subject) -> None:
    found = ablation.inspect(Scene.of(bench), subject, quiet)
    moved = {(edit.weights, edit.terms): edit.moved for edit in found.figures.edits}
    idle = {("blend", "no L2"), ("blend", "no L4"), ("s+ds", "no L1"), ("s+ds", "no L3")}
    for key, distance in moved.items():
        assert (distance < ablation.SAME) == (key in idle or key[1] == "all"), key


def test_the_graft_takes_only_strengths_that_are_a_rho(bench: Bench, subject) -> None:
    points = rho.inspect(Scene.of(bench), subject, (-0.5, 0.5, 1.5), quiet).figures.points
    assert [(p.vectors, p.strength) for p in points] == [
        ("graft", 0.5),
        ("stored", -0.5),
        ("stored", 0.5),
        ("stored", 1.5),
    ]
