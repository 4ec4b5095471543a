"""An awkward model's latents are those of its own pipeline, or it is refused before it is run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attrbank.errors import IncompatibleError
from attrbank.samplers.ddim import DDIM
from tests.faults.awkward_models import MODELS
from tests.faults.conftest import Tier, Tried
from tests.helpers.own_pipelines import our_latents, their_latents

STEPS, SCALE, SEEDS = 5, 4.0, [4, 9]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_an_awkward_models_latents_are_its_own_pipelines(name: str, tier: Tier, tried: Tried, tmp_path: Path) -> None:
    if list(MODELS).index(name) >= tier.models:
        pytest.skip("the rest is for the night")
    folder = tmp_path / "model"
    MODELS[name](folder)
    try:
        ours = our_latents(folder, DDIM(), STEPS, SCALE, SEEDS)
    except IncompatibleError:
        tried("awkward model folders that were refused in a sentence", 1, [])
        return
    theirs = their_latents(folder, "DDIMScheduler", STEPS, SCALE, SEEDS, variant="fp16" if name == "renamed" else None)
    far = (ours - theirs).abs().max().item() / theirs.std().item()
    tried("awkward model folders, latents beside diffusers' own", 1, [] if far < 1e-3 else [f"{name}: {far:.2g}"])
    assert torch.isfinite(ours).all()
