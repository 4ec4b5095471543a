"""A tiny model as attrbank has it and as ComfyUI would, and a bank of attributes that were learned on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from standin import Clip, Guider, Model, Patcher
from torch import Tensor

from attrbank.plugin import (
    DDIM,
    Avi,
    Backbone,
    Bank,
    Guest,
    LearnedAttribute,
    Trajectory,
    complete,
    encode,
    learn_attribute,
    learn_spec,
    load,
    run_edits,
    tiny,
    tmp_bank,
)
from tests.conftest import no_short_names, strict_numerics

__all__ = ["no_short_names", "strict_numerics", "tmp_bank"]

SOURCE, TARGET = "a photo of a person", "a photo of an old person"
STEPS, GUIDANCE, SEED = 10, 3.0, 5

UNET_CONFIG = {
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": tiny.UNET["block_out_channels"][0],
    "channel_mult": [1, 2],
    "num_res_blocks": [1, 1],
    "transformer_depth": [1, 0],
    "context_dim": 32,
    "num_heads": 8,
    "num_head_channels": -1,
}
"""As ComfyUI would tell of this UNet."""


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """One whose schedule ends where ComfyUI's samplers do, at σ = 0."""
    return load(str(tiny.build_pipeline(tmp_path_factory.mktemp("model"), set_alpha_to_one=True)))


@pytest.fixture(scope="session")
def artifacts(backbone: Backbone) -> list[bytes]:
    """*old*, *older* before that, *odd* by a small Φ, and *onward*, which asks the model at four times."""
    made, mean = [], {"core": "mean"}
    for name, options in {"old": mean, "older": {**mean, "t_x": 0.7}, "odd": {"core": "mlp"}}.items():
        asked = {"seeds": (0, 1), "steps": STEPS, "guidance_scale": GUIDANCE, "t_x": 0.4, **options}
        spec = complete(learn_spec(name, [SOURCE], [TARGET], **asked), backbone)
        made.append(learn_attribute(spec, Avi(), backbone, DDIM()))
    old = made[0]
    times = tuple(backbone.schedule.alpha_bar(t) for t in (801, 601, 401, 301))
    live = {"name": "onward", "core": "live", "times": times, "units": {**old.record.units, "live": 8.0}}
    made.append(LearnedAttribute(old.record.model_copy(update=live), old.tensors))
    return [encode(attribute) for attribute in made]


class Made(NamedTuple):
    """All of it.

    Attributes:
        grid: of a run, as SIGMAS.
        start: the noise of ``SEED`` at the first of them.
    """

    backbone: Backbone
    model: Patcher
    clip: Clip
    grid: Tensor
    start: Tensor

    def sampled(self, model: Patcher, x: Tensor, grid: Tensor, sampler: Any) -> Tensor:
        heard = self.backbone.encode_prompts([SOURCE, ""])["text"]
        return sampler(Guider(model, heard[:1], heard[1:], GUIDANCE, grid), x)

    def applied(self, *attributes: Guest) -> Tensor:
        """The clean latent as ``apply`` makes it."""
        schedule = self.backbone.schedule
        run = Trajectory(self.backbone, DDIM(), grid=DDIM().grid(STEPS, schedule), guidance_scale=GUIDANCE)
        acts = [attribute.on(schedule).on(run.grid, schedule) for attribute in attributes]
        acts.sort(key=lambda act: act.index)
        edited = run_edits(run, SOURCE, [SEED], acts)
        assert edited.before is not None
        assert float((edited.after - edited.before).abs().max()) > 0.05, "there is something to see"
        return edited.after


@pytest.fixture
def made(backbone: Backbone, artifacts: list[bytes], tmp_bank: Bank) -> Iterator[Made]:
    for artifact in artifacts:
        tmp_bank.add(artifact)
    model = Patcher(Model(backbone, UNET_CONFIG))
    timesteps = [t for t, _ in DDIM().grid(STEPS, backbone.schedule)]
    grid = torch.cat([model.model.model_sampling.sigmas[timesteps], torch.zeros(1)])
    noise = torch.randn(backbone.latent_shape, generator=torch.Generator().manual_seed(SEED))[None]
    with torch.no_grad():
        yield Made(backbone, model, Clip(backbone), grid, noise * float((1 + grid[0] ** 2) ** 0.5))


@pytest.fixture
def packaged() -> Path:
    import attrbank_comfyui

    return Path(attrbank_comfyui.__file__).parent
