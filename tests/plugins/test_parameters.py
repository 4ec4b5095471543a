"""What users set of samplers: read, checked, recorded in full, listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from attrbank.editing.axes import axis_of
from attrbank.errors import InvalidValueError, NotFoundError, PluginError
from attrbank.methods.avi import Avi
from attrbank.plugins import parameters
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import LearnSpec, PromptPair
from tests.cli.conftest import Cli, bank, cli
from tests.cli.test_replay import alike, stocked
from tests.helpers.fake_distributions import install

__all__ = ["bank", "cli", "stocked"]

WOBBLE = """
from pydantic import BaseModel, Field
from attrbank.plugin import Spec, hookimpl, timestep_grid

class Parameters(BaseModel):
    eta: float = Field(0.0, ge=0, le=1)
    kind: str = "a"
    twice: bool = False

@hookimpl
def register_samplers(register):
    register(Spec("wobble", "It wobbles.", target="attrbank_wobble:Wobble", parameters="attrbank_wobble:Parameters"))

class Wobble:
    name, stochastic = "wobble", False

    def __init__(self, parameters):
        self.eta = parameters.eta

    def grid(self, steps, schedule):
        return timestep_grid(steps, schedule)

    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        alpha = schedule.alpha_bar(t_prev)
        return alpha**0.5 * prediction.x0 + (1 - self.eta / 9) * (1 - alpha) ** 0.5 * prediction.eps, None
"""
FULL = "wobble:eta=0.5,kind=a,twice=false"


@pytest.fixture
def wobble(on_path: Path) -> None:
    install(on_path, "attrbank-wobble", WOBBLE)
    load_plugins.cache_clear()


def test_values_are_checked_and_the_name_has_all_of_them(wobble: None) -> None:
    made = load_plugins().sampler("wobble:eta=.5")
    assert (made.eta, made.name) == (0.5, FULL)
    assert load_plugins().sampler(made.name).name == FULL
    assert load_plugins().sampler("wobble").name == "wobble:eta=0.0,kind=a,twice=false"
    assert load_plugins().foreign(("sampler", FULL)) == {"attrbank-wobble": "1.0"}


@pytest.mark.parametrize(
    "text",
    [
        *("wobble:", "wobble:eta", "wobble:eta=", "wobble:=1", "wobble:eta=1,eta=1", "wobble:eta=2", "wobble:eta=x"),
        *("wobble:rho=1", "ddim:eta=1", "wobble:twice=maybe"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(text: str, wobble: None) -> None:
    with pytest.raises(InvalidValueError) as refused:
        load_plugins().sampler(text)
    assert refused.value.hint


def test_an_unknown_sampler_is_unknown_with_parameters_too(wobble: None) -> None:
    with pytest.raises(NotFoundError):
        load_plugins().sampler("nobody:eta=1")


def test_a_value_that_could_not_be_written_down_is_the_plugins_fault() -> None:
    class Loose(BaseModel):
        text: str = "a,b"
        many: tuple[int, ...] = ()

    with pytest.raises(PluginError):
        parameters.text_of("loose", Loose())


def test_what_is_learned_with_them_records_them(wobble: None, tiny_pipeline: Path) -> None:
    from attrbank.backbones.families import load
    from attrbank.learning.run import learn_attribute

    pair = PromptPair(source="a photo of a person", target="a photo of a man")
    how = {"t_x": 0.4, "delta_tau": -0.2, "steps": 6, "core": "mean", "sampler": "wobble:eta=0.5"}
    spec = LearnSpec.model_validate({"name": "odd", "pairs": (pair,), "seeds": (0, 1), "guidance_scale": 1.0} | how)
    sampler = load_plugins().sampler(spec.sampler)
    assert learn_attribute(spec, Avi(), load(str(tiny_pipeline)), sampler, force=True).record.sampler == FULL


def test_a_method_keeps_what_it_was_learned_with(on_path: Path) -> None:
    code = """
    from pydantic import BaseModel
    from attrbank.plugin import Spec, hookimpl

    class Parameters(BaseModel):
        k: int = 5

    @hookimpl
    def register_methods(register):
        register(Spec("shift", "It shifts.", target="attrbank_shift:Shift", parameters="attrbank_shift:Parameters"))

    class Shift:
        name = "shift"

        def __init__(self, parameters):
            self.k = parameters.k

        def learn(self, context): ...
        def edit(self, attribute, core=None): ...
    """
    install(on_path, "attrbank-shift", code)
    load_plugins.cache_clear()
    method: Any = load_plugins().method("shift:k=7")
    assert (method.name, method.k) == ("shift:k=7", 7)
    assert load_plugins().foreign(("method", method.name)) == {"attrbank-shift": "1.0"}


def test_an_axis_of_samplers_knows_parameters_from_names() -> None:
    labels = [mark.label for mark in axis_of("sampler=ddim,wobble:eta=0.5,kind=b,ddpm").marks]
    assert labels == ["ddim", "wobble:eta=0.5,kind=b", "ddpm"]


def test_pictures_and_artifacts_record_them_and_come_again(
    wobble: None, cli: Cli, stocked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTRBANK_BANK", str(stocked))
    assert cli("apply", "old", "--steps", "8", "--sampler", "wobble:eta=0.5", "-o", "a.png").code == 0
    assert f"--sampler {FULL}" in cli("show", "a.png").out
    assert cli("replay", "a.png", "-o", "b.png").code == 0
    assert alike("a.png", "b.png")
    assert cli("replay", "a.png", "--sampler", "wobble", "-o", "c.png").code == 0
    assert not alike("a.png", "c.png")
    (listed,) = (item for item in json.loads(cli("samplers", "--json").out) if item["name"] == "wobble")
    assert listed["parameters"] == {"eta": 0.0, "kind": "a", "twice": False}
    assert "eta=0.0" in cli("samplers").out
