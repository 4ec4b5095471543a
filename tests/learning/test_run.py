"""What is recorded of where an attribute was learned."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.protocol import LearnContext, Learned, completed
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM


class Idle:
    """A method that learns nothing, at once."""

    name = "idle"

    def learn(self, context: LearnContext) -> Learned:
        return Learned({"nothing": torch.zeros(1)})


@pytest.mark.parametrize(
    ("t_x", "delta_tau", "timesteps"), [(0.4, -0.2, (401, 201)), (0.9, -0.4, (901, 501)), (0.3, -0.3, (301, -1))]
)
def test_both_times_are_recorded_with_the_signal_that_latents_have_there(
    t_x: float, delta_tau: float, timesteps: tuple[int, int], tiny_pipeline: Path
) -> None:
    backbone = load_plugins().backbone(str(tiny_pipeline))
    spec = complete(learn_spec("old", ["a man"], ["an old man"], t_x=t_x, delta_tau=delta_tau, steps=10), backbone)
    resolved = learn_attribute(spec, completed(Idle()), backbone, DDIM()).record.resolved
    assert (resolved.timestep_x, resolved.timestep_z) == timesteps
    signals = [backbone.schedule.alpha_bar(t) for t in timesteps]
    assert [resolved.alpha_bar_x, resolved.alpha_bar_z] == signals
