"""Sharing changes neither pictures nor what they are said to cost."""

from __future__ import annotations

import pytest
import torch

from attrbank.editing.composition import run_edits
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.shared_runs import Cost
from tests.helpers.tiny_bench import SOURCE, TARGET

ROWS = 3
PER_STEP = 2 * ROWS  # guidance asks twice a picture


@pytest.mark.parametrize("core", ["mean", "mlp", "conv", "own"])
def test_a_shared_edit_is_the_edit_that_apply_makes(bench: Bench, learned, core):
    act = bench.act(learned, 0.8, core)
    alone = run_edits(bench.trajectory, SOURCE, bench.seeds, [act], with_before=False).after
    torch.testing.assert_close(bench.edited([act]), alone)


def test_some_of_the_pictures_are_the_same_pictures(bench: Bench, learned):
    rows = torch.tensor([True, False, True])
    whole, unedited = bench.edited([bench.act(learned, 1.0)]), bench.unedited
    part = bench.only(rows)
    assert part.seeds == (10_000, 10_002)
    torch.testing.assert_close(part.unedited, unedited[rows])
    torch.testing.assert_close(part.edited([part.act(learned, 1.0)]), whole[rows])
    torch.testing.assert_close(part.switched(TARGET, 1.0), bench.switched(TARGET, 1.0)[rows])


def test_strength_zero_is_the_unedited_picture(bench: Bench, learned):
    assert torch.equal(bench.edited([bench.act(learned, 0.0)]), bench.unedited)


def test_a_switch_costs_a_picture_whatever_was_computed_before(bench: Bench):
    steps = bench.trajectory.end
    for _ in range(2):
        _, cost = bench.measured(lambda: bench.switched(TARGET, 0.5))
        assert cost.evaluations == steps * PER_STEP


def test_a_core_of_its_own_pays_for_two_more_runs_every_time(bench: Bench, learned):
    act = bench.act(learned, 1.0, "own")
    beyond = Bench.index_of(bench, learned.record.t_x + learned.record.delta_tau) + 1
    # The source's run lies on the picture's own way: as far as T_x it is paid already.
    expected = bench.trajectory.end + 2 * beyond - act.index
    for _ in range(2):
        _, cost = bench.measured(lambda: bench.edited([act]))
        assert cost.evaluations == expected * PER_STEP


def test_what_was_computed_is_not_computed_again(bench: Bench):
    bench.switched(TARGET, 1.0)
    before = bench.trajectory.evaluations
    bench.switched(TARGET, 1.0)
    assert bench.trajectory.evaluations == before


def test_costs_add_up():
    assert Cost(3, 1.5) + Cost(1, 0.5) - Cost(2, 1) * 2 == Cost(0, 0)
