"""Attributes of somebody else's method: what is recorded of them, and what is refused before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attrbank.attribute.artifact import decode, encode
from attrbank.errors import InvalidValueError
from attrbank.evaluation.tuning import Tuner
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.plugins.manager import PluginManager, load_plugins
from attrbank.store.bank import Bank
from attrbank.store.header import seal
from attrbank.store.layout import Layout, object_files, starter_bank
from tests.cli.conftest import (
    Cli,
    bank as bank,  # noqa: PLC0414 — a fixture
    cli as cli,  # noqa: PLC0414
)
from tests.helpers.fake_distributions import install

ADDS = """
from attrbank.plugins.hookspecs import Spec, hookimpl

@hookimpl
def register_methods(register):
    register(Spec("adds", "Adds the mean difference.", target="attrbank_adds:Adds"))

class Adds:
    name = "adds"

    def learn(self, context):
        from attrbank.methods.pairs import predict_clean_pairs
        from attrbank.methods.protocol import Learned
        source, target = predict_clean_pairs(context)
        return Learned({"difference": (target - source).mean(0)})

    def edit(self, record, tensors, core=None):
        return lambda x, inputs, strength: x + strength * tensors["difference"] if strength else x
"""


@pytest.fixture
def adds(on_path: Path) -> None:
    install(on_path, "attrbank-adds", ADDS)


@pytest.fixture
def unloadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which whoever asks for a model fails the test."""

    def never(self: PluginManager, *arguments: object) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr(PluginManager, "backbone", never)


@pytest.mark.usefixtures("adds")
def test_a_record_says_nothing_of_vectors_that_its_method_does_not_have(
    tiny_pipeline: Path, bank: Bank, cli: Cli
) -> None:
    asked = learn_spec("old", ["a person"], ["an old person"], method="adds", seeds=(0, 1), steps=5)
    entry = learn(asked, backbone=str(tiny_pipeline), bank=bank.path)
    data = bank.read(entry)
    assert b"vectors" not in data
    assert seal(encode(decode(data))) == data
    assert (entry.vectors, bank.record(entry).vectors) == (None, None)
    (listed,) = json.loads(cli("list", "--json").out)
    assert (listed["method"], listed["vectors"]) == ("adds", None)
    assert (cli("list").code, cli("show", "old").code, cli("verify").code) == (0, 0, 0)
    assert cli("list", "--filter", "vectors=difference", "--json").out.strip() == "[]"


def test_the_ids_of_the_starter_bank_stay() -> None:
    """Fields that came later change no byte of what makes no use of them."""
    starter = starter_bank()
    assert starter is not None
    files = object_files(Layout(starter))
    assert files
    for path in files:
        data = path.read_bytes()
        again = encode(decode(data))
        assert data in (again, seal(again)), path


@pytest.mark.usefixtures("adds", "unloadable")
@pytest.mark.parametrize("options", [["--tune"], ["--rank", "3"], ["--vectors", "paper"], ["--preset", "paper"]])
def test_what_a_method_cannot_do_is_refused_before_anything_is_loaded(options: list[str], bank: Bank, cli: Cli) -> None:
    asked = cli("learn", "old", "--source", "a person", "--target", "an old person", "--method", "adds", *options)
    assert asked.code == 4
    assert "'adds'" in asked.err
    assert "hint: " in asked.err
    assert not bank.path.exists()


@pytest.mark.usefixtures("unloadable")
def test_the_papers_vectors_are_not_tuned_either(bank: Bank, cli: Cli) -> None:
    asked = cli("learn", "old", "--source", "a", "--target", "b", "--vectors", "paper", "--tune")
    assert (asked.code, "Only difference vectors can be tuned" in asked.err) == (4, True)


@pytest.mark.usefixtures("adds")
def test_a_tuner_refuses_them_too_whoever_calls_it(tiny_pipeline: Path, bank: Bank) -> None:
    asked = learn_spec("old", ["a person"], ["an old person"], method="adds", seeds=(0, 1), steps=5)
    entry = learn(asked, backbone=str(tiny_pipeline), bank=bank.path)
    with pytest.raises(InvalidValueError, match="cannot be tuned"):
        Tuner.tuned(object.__new__(Tuner), decode(bank.read(entry)))


def test_the_papers_network_is_announced_only_where_it_is_trained(tiny_pipeline: Path) -> None:
    model = load_plugins().describe(str(tiny_pipeline))
    method = load_plugins().method("avi")
    for solver, announced in (("mlp", True), ("exact", False)):
        asked = learn_spec("old", ["a"], ["b"], preset="paper", solver=solver)
        found = method.warnings(method.fitted(asked, model, "paper"), model)
        assert bool(found) is announced, solver
