"""The callback in the stock pipeline against our own loop, on the shipped model and bank."""

from __future__ import annotations

import re
import runpy
import warnings
from pathlib import Path

import pytest
import torch

from attrbank.backbones.sources import PORTRAITS
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.names import Asked

README = Path(__file__).resolve().parents[2] / "README.md"


def stock_pipeline():
    with warnings.catch_warnings(action="ignore"):
        from diffusers import DDIMScheduler, StableDiffusionPipeline

        pipeline = StableDiffusionPipeline.from_pretrained(PORTRAITS)
        pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
        pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.filterwarnings("ignore")
def test_the_callback_and_our_own_loop_make_the_same_picture(tmp_path: Path):
    from attrbank.diffusers import AttributeCallback

    asked = ApplyRequest(
        references=(Asked("young", 0.7), Asked("smile", 0.7)),
        prompt="a photo of a person",
        seed=20_000,
        core="live",  # which takes the place of the starter attributes' own where no unedited picture is drawn
        output=tmp_path / "out.png",
        bank=tmp_path / "bank",
    )
    applied = apply(asked)
    ours = applied.after
    assert (ours - applied.before).abs().max() > 0.1
    theirs = stock_pipeline()(
        "a photo of a person",
        num_inference_steps=25,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(20_000),
        output_type="pt",
        callback_on_step_end=AttributeCallback("young:0.7", "smile:0.7", bank=tmp_path / "bank"),
    ).images[0]
    assert (theirs - ours).abs().max() < 1e-3


@pytest.mark.filterwarnings("ignore")
def test_the_example_in_the_readme_is_short_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The one inside a pipeline; ``tests/test_documents.py`` runs the others."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    (code,) = (code for code in blocks if "AttributeCallback" in code)
    assert len(list(filter(None, code.splitlines()))) <= 8
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTRBANK_BANK", str(tmp_path / "bank"))
    (tmp_path / "stable-diffusion-v1-5").symlink_to(PORTRAITS)
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    runpy.run_path("example.py")
    assert (tmp_path / "younger.png").exists()
