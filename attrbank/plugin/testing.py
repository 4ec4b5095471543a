"""For authors of plugins: the contracts of ``attrbank.plugin.contracts``, and fixtures for pytest.

They are imported from ``attrbank.plugin``; ``pytest_plugins = ["attrbank.plugin"]`` in a ``conftest.py`` takes all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.attribute.artifact import encode
from attrbank.diffusion.protocols import Backbone
from attrbank.learning.run import learn_attribute
from attrbank.methods.avi import Avi
from attrbank.plugin.contracts import (
    BackboneContract,
    ExecutorContract,
    JudgeContract,
    MethodContract,
    MetricContract,
    SamplerContract,
)
from attrbank.plugin.contracts.method import tiny_backbone as make_tiny_backbone
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import LearnSpec, PromptPair
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry

__all__ = [
    "BackboneContract",
    "ExecutorContract",
    "JudgeContract",
    "MethodContract",
    "MetricContract",
    "SamplerContract",
    "fake_attribute",
    "tiny_backbone",
    "tmp_bank",
]


@pytest.fixture
def tmp_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """An empty bank that every command of this test uses, without the starter bank beneath it."""
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    monkeypatch.setenv("ATTRBANK_BANK", str(tmp_path / "bank"))
    return Bank(tmp_path / "bank")


@pytest.fixture(scope="session")
def tiny_backbone() -> Backbone:
    """A random Stable Diffusion model with 4×16×16 latents and 32×32 pictures; copy it before you change it."""
    return make_tiny_backbone()


@pytest.fixture
def fake_attribute(tmp_bank: Bank, tiny_backbone: Backbone) -> Entry:
    """The attribute ``old`` in ``tmp_bank``, learned on ``tiny_backbone`` in a moment, and without meaning."""
    spec = LearnSpec(
        name="old",
        pairs=(PromptPair(source="a photo of a person", target="a photo of an old person"),),
        seeds=(0, 1),
        t_x=0.4,
        delta_tau=-0.2,
        steps=5,
        guidance_scale=1.0,
    )
    return tmp_bank.add(encode(learn_attribute(spec, Avi(), tiny_backbone, DDIM())))
