from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.diffusion.placement import Placement
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.names import Asked
from lab.figures.footprint import Rows, Task, apply, counted, learn, measure


@pytest.mark.parametrize("variant", ["tiny_pipeline", "tiny_pipeline_xl"])
def test_plans_promise_what_the_network_counts(variant: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    backbone = str(request.getfixturevalue(variant))
    task = Task(backbone, tmp_path / "bank", Placement(dtype="float32"), steps=5, seeds=2)
    learned, applied = Rows(), Rows()
    with counted(learned):
        learn(task)
    with counted(applied):
        apply(task)
    assert learned.count == 2 * 2 * 2 * 4  # seeds, prompts, guidance, and the steps down to T_z with a look there
    planned = plan(ApplyRequest(references=(Asked("smile"),), core="mean", steps=5, bank=task.bank))
    assert applied.count == planned.unet_evaluations


def test_a_plan_is_light(tiny_pipeline: Path, tmp_path: Path) -> None:
    task = Task(str(tiny_pipeline), tmp_path / "bank", Placement(), steps=2, seeds=1)
    learn(task)
    cost = measure("apply --plan", task)
    assert cost.evaluations == 0
    assert cost.megabytes < 100
