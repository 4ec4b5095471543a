"""Fixtures that several parts of the test suite share."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attrbank.backbones.tiny import build_pipeline, build_xl_pipeline
from attrbank.plugin_manager import load_plugins


@pytest.fixture(autouse=True)
def strict_numerics() -> None:
    """One thread, deterministic kernels and a fixed seed, if the test's module uses torch at all."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def tiny_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model that predicts ε, in float32. Read only: copy it before changing a file."""
    return build_pipeline(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def tiny_pipeline_velocity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights in a model that predicts v."""
    return build_pipeline(tmp_path_factory.mktemp("velocity") / "model", prediction_type="v_prediction")


@pytest.fixture(scope="session")
def tiny_pipeline_zero_snr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of v whose noisiest latent holds no signal, as later Stable Diffusion 2.x models are trained."""
    scheduler = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    folder = tmp_path_factory.mktemp("zero-snr") / "model"
    return build_pipeline(folder, prediction_type="v_prediction", **scheduler)


@pytest.fixture(scope="session")
def tiny_pipeline_xl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Stable Diffusion XL model."""
    return build_xl_pipeline(tmp_path_factory.mktemp("xl") / "model")


@pytest.fixture(scope="session")
def tiny_pipeline_half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fp16 copy of ``tiny_pipeline``."""
    return build_pipeline(tmp_path_factory.mktemp("half") / "model", half=True)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder at the front of the path, for plugins; its modules are forgotten afterwards."""
    folder = tmp_path / "installed"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    for variable in ("ATTRBANK_PLUGINS", "ATTRBANK_STRICT_PLUGINS", "ATTRBANK_TRACE_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    before = set(sys.modules)
    load_plugins.cache_clear()
    importlib.invalidate_caches()
    yield folder
    load_plugins.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("attrbank_"):
            del sys.modules[name]
