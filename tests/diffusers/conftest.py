"""A tiny model, as ours and as a pipeline of diffusers, and a bank of attributes that were learned on it."""

from __future__ import annotations

from pathlib import Path

import diffusers
import pytest

from attrbank.attribute.artifact import encode
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from tests.helpers.looking import FOLDERS, Made, made_of
from tests.helpers.pipelines import GUIDANCE, SOURCE, STEPS, TARGET, with_scheduler


@pytest.fixture(scope="package")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture(scope="package")
def bank(tmp_path_factory: pytest.TempPathFactory, backbone) -> Path:
    """Attributes at .4 and at .8, one of the first step, and two of the paper's."""
    folder = tmp_path_factory.mktemp("callback") / "bank"
    for name, options in {
        "old": {"t_x": 0.4},
        "older": {"t_x": 0.8},
        "oldest": {"t_x": 0.95},
        "grafted": {"t_x": 0.6, "delta_tau": -0.3, "vectors": "paper"},
        "own": {"t_x": 0.6, "delta_tau": -0.3, "vectors": "paper", "z": "own"},
    }.items():
        asked = {"seeds": (0, 1), "steps": STEPS, "guidance_scale": GUIDANCE, **options}
        spec = complete(learn_spec(name, [SOURCE], [TARGET], **asked), backbone)
        Bank(folder).add(encode(learn_attribute(spec, Avi(), backbone, load_plugins().sampler("ddim"))))
    return folder


@pytest.fixture
def pipeline(tiny_pipeline: Path):
    from diffusers import StableDiffusionPipeline

    made = StableDiffusionPipeline.from_pretrained(tiny_pipeline)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="package", params=FOLDERS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One after another: models of ε, of v, and XL."""
    folder = request.getfixturevalue(request.param)
    return made_of(folder, FOLDERS[request.param], tmp_path_factory.mktemp("live") / "bank")


@pytest.fixture(scope="package")
def plain(tiny_pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_of(tiny_pipeline, "StableDiffusionPipeline", tmp_path_factory.mktemp("plain") / "bank")


@pytest.fixture
def own(plain: Made, tiny_pipeline: Path) -> Made:
    """The same with a pipeline that a test may change."""
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(tiny_pipeline)
    pipeline.set_progress_bar_config(disable=True)
    return plain._replace(pipeline=with_scheduler(pipeline, "DDIMScheduler"))


@pytest.fixture(scope="package")
def xl(tiny_pipeline_xl: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_of(tiny_pipeline_xl, "StableDiffusionXLPipeline", tmp_path_factory.mktemp("xl") / "bank")
