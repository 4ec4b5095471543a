"""Fixtures that several parts of the test suite share."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from attrbank.plugin.tiny import build_pipeline, build_xl_pipeline
from attrbank.plugins.manager import load_plugins
from tests.helpers.tiny_families import SD35, build_ddpm, build_flux, build_ldm, build_sd3


def pytest_addoption(parser: pytest.Parser) -> None:
    """For ``tests/faults``."""
    parser.addoption("--tier", choices=("fast", "nightly", "release"), default="fast", help="how many faults to try")
    parser.addoption("--publish", action="store_true", help="write tests/faults/README.md")


def pytest_configure() -> None:
    """One thread for the processes that tests start, too: two workers share what cores there are."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def strict_numerics() -> None:
    """One thread, deterministic kernels and a fixed seed, if the test's module uses torch at all."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def no_installed_plugins() -> Iterator[None]:
    """The packages of ``plugins/`` that a contributor has installed mean nothing here; tests bring their own."""
    everything, site = metadata.distributions, Path(sysconfig.get_path("purelib"))

    def others(**given: object) -> Iterator[metadata.Distribution]:
        for found in everything(**given):
            installed = Path(str(found.locate_file(""))) == site
            if not (installed and str(found.metadata["Name"]).startswith("attrbank-")):
                yield found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata, "distributions", others)
        load_plugins.cache_clear()
        yield


@pytest.fixture(autouse=True)
def no_short_names(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own settings and short names for models mean nothing here, nor what commands keep for the next."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-configuration"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


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


@pytest.fixture(scope="session")
def tiny_sd3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Stable Diffusion 3."""
    return build_sd3(tmp_path_factory.mktemp("sd3") / "model")


@pytest.fixture(scope="session")
def tiny_sd3_without_t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another, without the third text encoder."""
    return build_sd3(tmp_path_factory.mktemp("sd3-without-t5") / "model", t5=False)


@pytest.fixture(scope="session")
def tiny_sd35(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Stable Diffusion 3.5."""
    return build_sd3(tmp_path_factory.mktemp("sd35") / "model", transformer=SD35)


@pytest.fixture(scope="session")
def tiny_flux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Flux that takes the guidance scale as an input."""
    return build_flux(tmp_path_factory.mktemp("flux") / "model")


@pytest.fixture(scope="session")
def tiny_flux_schnell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another that does not, and whose shift does not depend on the picture's size."""
    folder = tmp_path_factory.mktemp("flux-schnell") / "model"
    return build_flux(folder, guidance_embeds=False, use_dynamic_shifting=False, shift=1.0)


@pytest.fixture(scope="session")
def tiny_ddpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random unconditional model of pixels."""
    return build_ddpm(tmp_path_factory.mktemp("ddpm") / "model")


@pytest.fixture(scope="session")
def tiny_ldm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random unconditional model of latents."""
    return build_ldm(tmp_path_factory.mktemp("ldm") / "model")


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder at the front of the path, for plugins; its modules are forgotten afterwards."""
    folder = tmp_path / "installed"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    for variable in ("ATTRBANK_PLUGINS", "ATTRBANK_STRICT_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    before = set(sys.modules)
    load_plugins.cache_clear()
    importlib.invalidate_caches()
    yield folder
    load_plugins.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("attrbank_"):
            del sys.modules[name]
