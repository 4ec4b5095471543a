"""Fixtures that several parts of the test suite share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.pipelines import build_pipeline


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
def tiny_pipeline_half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fp16 copy of ``tiny_pipeline``."""
    return build_pipeline(tmp_path_factory.mktemp("half") / "model", half=True)
