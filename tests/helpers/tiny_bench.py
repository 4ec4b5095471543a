"""A tiny model, one attribute of it, and networks that judge it without any weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.subjects import Subject
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank

SOURCE, TARGET = "a photo of a person", "a photo of an old person"


class FakeNetworks:
    """Embeddings that are a fixed random projection of the pixels, and of the letters of prompts."""

    weights = "fake"

    def __init__(self) -> None:
        self.looked = 0

    def clip_text(self, prompts: Sequence[str]) -> Tensor:
        letters = torch.tensor([[float(prompt.count(letter)) for letter in "adehilmnopst"] for prompt in prompts])
        return functional.normalize(letters, dim=1)

    def clip_image(self, images: Tensor) -> Tensor:
        self.looked += len(images)
        return functional.normalize(self.inception(images), dim=1)

    def lpips(self, before: Tensor, after: Tensor) -> Tensor:
        return (before - after).square().mean((1, 2, 3))

    def inception(self, images: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(images, 2).flatten(1)


@pytest.fixture(scope="session")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture(scope="session")
def learned(backbone) -> LearnedAttribute:
    spec = learn_spec("old", [SOURCE], [TARGET], seeds=tuple(range(6)), steps=10, guidance_scale=3.0, core="conv")
    return learn_attribute(complete(spec, backbone), Avi(), backbone, load_plugins().sampler("ddim"))


@pytest.fixture(scope="session")
def subject(learned: LearnedAttribute) -> Subject:
    return Subject("old", "0" * 64, 1000, learned, TARGET, "old")


@pytest.fixture
def bench(backbone) -> Bench:
    return Bench(backbone, SOURCE, (10_000, 10_001, 10_002), steps=10, guidance_scale=3.0)


@pytest.fixture
def stocked(learned: LearnedAttribute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bank that holds the attribute and nothing else."""
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    Bank(tmp_path / "bank").add(encode(learned))
    return tmp_path / "bank"


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> FakeNetworks:
    """In place of those whose weights nobody has at hand."""
    fake = FakeNetworks()
    monkeypatch.setattr("attrbank.evaluation.judges.networks.load", lambda folder: fake)
    return fake
