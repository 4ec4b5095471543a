"""The built-in backbone, method and judges keep their contracts."""

from __future__ import annotations

from functools import cache
from typing import Literal

from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation.judges.clip_judge import ClipJudge
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.judges.self_judge import SelfJudge
from attrbank.methods.avi import Avi
from attrbank.methods.text import Text
from attrbank.plugin.contracts.method import tiny_backbone as make_tiny_backbone
from attrbank.plugin.testing import (
    BackboneContract,
    JudgeContract,
    MethodContract,
    fake_attribute,
    tiny_backbone,
    tmp_bank,
)
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import LearnSpec, PaperOptions
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from tests.helpers.tiny_bench import FakeNetworks

__all__ = ["fake_attribute", "tiny_backbone", "tmp_bank"]


class TestStableDiffusion(BackboneContract):
    def make(self) -> Backbone:
        return make_tiny_backbone()


class TestAvi(MethodContract):
    def make(self) -> Avi:
        return Avi()


class TestAviWithThePapersVectors(MethodContract):
    solver: Literal["mlp", "exact"] = "exact"

    def make(self) -> Avi:
        return Avi()

    def spec(self) -> LearnSpec:
        paper = PaperOptions(solver=self.solver, samples=20)
        return super().spec().model_copy(update={"vectors": "paper", "paper": paper})


class TestAviWithThePapersNetwork(TestAviWithThePapersVectors):
    solver = "mlp"


@cache
def portraits() -> Backbone:
    backbone: Backbone = load_plugins().backbone("portraits")
    return backbone


class TestOracle(JudgeContract):
    def make(self) -> OracleJudge:
        return OracleJudge("tuner", renders=24)

    def make_backbone(self) -> Backbone:
        return portraits()


class TestSelf(JudgeContract):
    def make(self) -> SelfJudge:
        return SelfJudge(self.case(), draws=4)


class TestClip(JudgeContract):
    def make(self) -> ClipJudge:
        return ClipJudge(FakeNetworks(), self.case().prompt)


def test_the_fake_attribute_is_in_the_temporary_bank(
    fake_attribute: Entry, tmp_bank: Bank, tiny_backbone: Backbone
) -> None:
    assert Bank.open().path == tmp_bank.path
    assert [entry.name for entry in Bank.open().entries()] == ["old"]
    assert tmp_bank.record(fake_attribute).backbone.fingerprint == tiny_backbone.fingerprint


class TestText(MethodContract):
    def make(self) -> Text:
        return Text()


class TestTextMean(MethodContract):
    def make(self) -> Text:
        return Text()

    def spec(self) -> LearnSpec:
        return super().spec().model_copy(update={"core": "mean"})
