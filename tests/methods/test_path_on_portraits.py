"""Half of the strength is half of the way in every picture, on the shipped model."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attrbank.diffusion.schedule import indices_of
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.methods.live import LiveEdit
from attrbank.methods.moving import LAST, times_between
from attrbank.methods.path import PathEdit
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import PromptPair

OLD = PromptPair(source="a photo of a person", target="a photo of an old person")
SEEDS, STEPS, TIMES = (1000, 1001, 1002, 1003), 12, 5
HALF = 1.0
"""The raw strength of the core ``live`` that goes about as far."""


class Ways:
    """How far edits go in a few pictures, as shares of what the target prompt changes from their beginning on."""

    def __init__(self) -> None:
        backbone = load_plugins().backbone("portraits")
        grid = DDIM().grid(STEPS, backbone.schedule)
        self.times = times_between(backbone.schedule, 0.6, LAST, TIMES)
        self.indices = indices_of(self.times, grid, backbone.schedule)
        self.run = Trajectory(backbone, DDIM(), grid=grid, guidance_scale=backbone.defaults.guidance_scale)
        start = self.run.run(self.run.start(SEEDS), self.run.conditioning(OLD.source), self.indices[0])
        self.start, self.before = start, self.run.run(start, self.run.conditioning(OLD.source)).latent
        self.way = self.run.run(start, self.run.conditioning(OLD.target)).latent - self.before

    def of(self, edit, strength: float) -> Tensor:
        act = Act(self.indices[0], edit, strength, self.indices[1:])
        change = run_edits(self.run, OLD.source, SEEDS, [act], with_before=False, start=self.start).after - self.before
        return (change * self.way).flatten(1).sum(1) / self.way.square().flatten(1).sum(1)


@pytest.fixture(scope="module")
def ways() -> Ways:
    torch.set_num_threads(1)
    return Ways()


def test_half_of_the_strength_is_half_of_the_way_in_every_picture(ways: Ways) -> None:
    half = ways.of(PathEdit((OLD,), TIMES, 1.0), 0.5)
    assert half.mean() == pytest.approx(0.5, abs=0.1)
    assert (half - 0.5).abs().max() < 0.2
    live = ways.of(LiveEdit((OLD,), ways.times, ways.run.guidance_scale), HALF)
    assert live.mean() == pytest.approx(0.5, abs=0.2), "as far on average"
    assert half.std() / half.mean() < live.std() / live.mean()
