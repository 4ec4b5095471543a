"""An attribute that explains next to nothing is stored with one line that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.learning.weakness import FEWEST, LEAST_EXPLAINED, weak_warnings
from attrbank.methods.completing import completed
from attrbank.methods.difference import of_all_change
from attrbank.methods.protocol import LearnContext, Learned
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import LearnSpec, PictureFiles
from tests.cli.conftest import (
    Cli,
    bank as bank,  # noqa: PLC0414 — a fixture
    cli as cli,  # noqa: PLC0414
)

PAIR = (["a person"], ["an old person"])


def spec(seeds: int = 64) -> LearnSpec:
    return learn_spec("old", *PAIR, seeds=tuple(range(seeds)), steps=5)


class Says:
    """A method that learns nothing, and says how much that explains."""

    name = "says"

    def __init__(self, explains: float | None) -> None:
        self._explains = explains

    def learn(self, context: LearnContext) -> Learned:
        return Learned({"next to nothing": torch.ones(1)}, explains=self._explains)


@pytest.mark.parametrize(
    ("explains", "told"),
    [
        (0.014, ["old explains 1 % of what the prompts change: it will hardly show"]),
        (-0.18, ["old explains nothing of what the prompts change: it will hardly show"]),
        (LEAST_EXPLAINED, []),
        (None, []),
    ],
)
def test_the_engine_says_what_a_method_says_of_itself(explains, told, tiny_pipeline: Path) -> None:
    backbone, heard = load_plugins().backbone(str(tiny_pipeline)), []
    learn_attribute(complete(spec(), backbone), completed(Says(explains)), backbone, DDIM(), on_warning=heard.append)
    assert heard == told


def test_of_pictures_it_is_said_otherwise_and_of_few_nothing() -> None:
    pictures = tuple(PictureFiles(source=f"{n}.png", target=f"{n}.png") for n in range(FEWEST))
    many, few = (learn_spec("old", [], [], pictures=pictures[:count]) for count in (FEWEST, FEWEST - 1))
    assert weak_warnings(many, 0.017) == ["old explains 2 % of what tells the pictures apart: it will hardly show"]
    assert weak_warnings(few, -1.2) == weak_warnings(spec(FEWEST - 1), -1.2) == []


def test_what_is_explained_of_all_change_follows_from_what_is_explained_beyond_the_mean() -> None:
    generator = torch.Generator().manual_seed(0)
    differences = torch.randn(9, 4, 8, 8, generator=generator) + torch.randn(4, 8, 8, generator=generator)
    mean = differences.mean(0)
    guess = 0.8 * differences + torch.randn(differences.shape, generator=generator)
    missed, unit = (differences - guess).square().sum(), (differences.square().sum() / 9 / mean.square().sum()).sqrt()
    beyond = 1 - missed / (differences - mean).square().sum()
    fields = {"core": "conv", "units": {"mean": unit.item()}, "measured": {"explained_variance_conv": beyond.item()}}
    expected = 1 - missed / differences.square().sum()
    assert of_all_change(fields) == pytest.approx(expected.item(), rel=1e-5)
    assert of_all_change(fields | {"core": "own"}) is None
    assert of_all_change({"core": "live", "measured": {"along_live": 0.6}}) == pytest.approx(0.36)
    assert of_all_change({"core": "live", "measured": {"along_live": -0.6}}) == 0


def test_json_tells_what_was_warned_of(cli: Cli, tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrbank.methods.difference.of_all_change", lambda fields: 0.01)
    prompts = ("--source", "a photo of a person", "--target", "a photo of an old person")
    done = cli("learn", "old", *prompts, "--seeds", "0-7", "--steps", "4", "--backbone", str(tiny_pipeline), "--json")
    assert done.code == 0, done.err
    (warning,) = json.loads(done.out)["warnings"]
    assert f"warning: {warning}" in done.err
    assert warning.startswith("old explains 1 %")
