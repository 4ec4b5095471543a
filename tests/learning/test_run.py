"""What is recorded of what was learned, and of where."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attrbank.attribute.artifact import encode
from attrbank.errors import InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.completing import completed
from attrbank.methods.protocol import LearnContext, Learned
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM


class Idle:
    """A method that learns next to nothing, at once."""

    name = "idle"

    def learn(self, context: LearnContext) -> Learned:
        return Learned({"next to nothing": torch.ones(1)})


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


class Vain(Idle):
    """A method that learns nothing at all."""

    def learn(self, context: LearnContext) -> Learned:
        return Learned({"left": torch.zeros(2, 3), "right": torch.zeros(1)})


def test_whatever_the_method_what_holds_nothing_is_refused(tiny_pipeline: Path) -> None:
    backbone = load_plugins().backbone(str(tiny_pipeline))
    spec = complete(learn_spec("old", ["a man"], ["an old man"], steps=10), backbone)
    with pytest.raises(InvalidValueError, match="There is nothing in old"):
        learn_attribute(spec, completed(Vain()), backbone, DDIM(), force=True)


def test_an_artifact_does_not_tell_whose_folder_its_model_lay_in(
    tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tiny_pipeline.parent))
    backbone = load_plugins().backbone(str(tiny_pipeline))
    spec = complete(learn_spec("old", ["a man"], ["an old man"], steps=10), backbone)
    attribute = learn_attribute(spec, completed(Idle()), backbone, DDIM())
    assert str(tiny_pipeline.parent).encode() not in encode(attribute)
    name = attribute.record.backbone.name
    assert name == f"~/{tiny_pipeline.name}"
    assert load_plugins().describe(name).fingerprint == backbone.fingerprint
