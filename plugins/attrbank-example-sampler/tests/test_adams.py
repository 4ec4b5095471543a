"""The sampler against attrbank's contract, and against what it claims for itself."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import pytest
import torch
from attrbank_example_sampler import Adams

from attrbank.plugin import DDIM, SamplerContract, Schedule, from_epsilon

PACKAGE = Path(__file__).resolve().parents[1]
SCHEDULE = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})


class TestAdams(SamplerContract):
    order = 2  # halving the step quarters the error

    def make(self):
        return Adams()


def error(sampler, steps: int, variance: float) -> float:
    """How far a run ends from where it should, for data from N(0, variance), whose score is known."""
    grid = sampler.grid(steps, SCHEDULE)
    begin = SCHEDULE.alpha_bar(grid[0][0])
    x, state = torch.full((1, 1, 1, 1), sqrt(begin * variance + 1 - begin), dtype=torch.float64), None
    for t, t_prev in grid:
        alpha_bar = SCHEDULE.alpha_bar(t)
        eps = sqrt(1 - alpha_bar) * x / (alpha_bar * variance + 1 - alpha_bar)
        x, state = sampler.step(x, from_epsilon(x, eps, alpha_bar), t, t_prev, SCHEDULE, None, state)
    return abs(float(x) - sqrt(variance))


@pytest.mark.parametrize("variance", [0.25, 4.0])
def test_at_equal_cost_it_is_more_than_ten_times_closer_than_ddim(variance: float) -> None:
    assert error(Adams(), 50, variance) < error(DDIM(), 50, variance) / 10


def test_the_readme_prints_the_file_whole_and_it_is_short() -> None:
    code = (PACKAGE / "attrbank_example_sampler.py").read_text(encoding="utf-8")
    assert f"```python\n{code}```" in (PACKAGE / "README.md").read_text(encoding="utf-8")
    assert len(code.splitlines()) <= 40
