"""Attributes act at decreasing times, and within one step in the order in which they were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.methods.completing import completed
from attrbank.methods.inputs import EditInputs
from attrbank.methods.protocol import LearnContext, Learned
from attrbank.names import Asked
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.store.bank import Bank

SOURCE, TARGET = "a photo of a person", "a photo of an old person"


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


def double(x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
    return 2 * x


def add(x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
    return x + strength


def test_edits_of_one_step_act_in_the_order_given(backbone) -> None:
    def after(*acts: Act) -> Tensor:
        run = Trajectory(backbone, DDIM(), grid=DDIM().grid(4, backbone.schedule), guidance_scale=1.0)
        return run_edits(run, SOURCE, (7,), acts, with_before=False).after

    doubled_first = after(Act(3, lambda x, inputs, strength: 2 * x + 1, 1.0))
    assert torch.equal(after(Act(3, double, 1.0), Act(3, add, 1.0)), doubled_first)
    assert not torch.equal(after(Act(3, add, 1.0), Act(3, double, 1.0)), doubled_first)


@pytest.mark.parametrize(("strength", "sees"), [(1.0, "edited"), (0.0, "unedited")])
@pytest.mark.parametrize("later", [2, 3])
def test_who_acts_later_sees_what_earlier_edits_have_made(strength: float, sees: str, later: int, backbone) -> None:
    run = Trajectory(backbone, DDIM(), grid=DDIM().grid(4, backbone.schedule), guidance_scale=1.0)
    source = backbone.encode_prompts([SOURCE])
    unedited = run.run(run.start((7,)), source, 2)
    edited = unedited.edited(unedited.latent + strength) if strength else unedited
    expected = {
        name: run.predict(run.run(position, source, later), source).x0
        for name, position in (("unedited", unedited), ("edited", edited))
    }
    seen = []

    def looking(x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        seen.append(inputs.clean())
        return x

    run_edits(run, SOURCE, (7,), [Act(2, add, strength), Act(later, looking, 1.0)])
    assert torch.equal(seen[0], expected[sees])
    assert sees == "unedited" or not torch.equal(seen[0], expected["unedited"])


class Nowhere:
    """A model edit of no time: it notes that it was asked to act."""

    until = 0.0

    def __init__(self, name: str, asked: list[str]) -> None:
        self.name, self.asked = name, asked

    def through(self, backbone, strength: float):
        self.asked.append(self.name)
        return backbone


def test_model_edits_of_one_step_lie_on_top_of_each_other_in_the_order_given(backbone) -> None:
    asked: list[str] = []
    run = Trajectory(backbone, DDIM(), grid=DDIM().grid(4, backbone.schedule), guidance_scale=1.0)
    acts = [Act(2, Nowhere(name, asked), 1.0) for name in ("inner", "outer")]
    run_edits(run, SOURCE, (7,), acts, with_before=False)
    assert asked[:3] == ["inner", "inner", "outer"]


class Idle:
    """A method that learns nothing, at once."""

    name = "avi"

    def learn(self, context: LearnContext) -> Learned:
        return Learned({"next to nothing": torch.ones(1)})


@pytest.fixture(scope="module")
def bank(backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two attributes of one time, one of an earlier and one of a later time."""
    folder = tmp_path_factory.mktemp("order") / "bank"
    for name, t_x in {"one": 0.4, "other": 0.4, "early": 0.8, "late": 0.3}.items():
        spec = complete(learn_spec(name, [SOURCE], [TARGET], t_x=t_x, steps=10), backbone)
        Bank(folder).add(encode(learn_attribute(spec, completed(Idle()), backbone, DDIM())))
    return folder


@pytest.mark.parametrize(
    ("asked", "steps", "acting"),
    [
        ("one other", 10, "one other"),
        ("other one", 10, "other one"),
        ("late other early one", 10, "early other one late"),
        ("late one", 2, "one late"),  # of two steps both get the second; who acts earlier is still before
    ],
)
def test_a_plan_puts_the_earlier_time_first_and_within_one_the_order_given(
    asked: str, steps: int, acting: str, bank: Path, tiny_pipeline: Path
) -> None:
    references = tuple(Asked(name) for name in asked.split())
    planned = plan(ApplyRequest(references=references, bank=bank, backbone=str(tiny_pipeline), steps=steps))
    assert [step["name"] for step in planned.as_dict()["attributes"]] == acting.split()


@pytest.fixture(scope="module")
def both_kinds(backbone, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, LearnedAttribute]]:
    """An attribute that is added and one that is grafted, at one time; the one by the other is not what it was."""
    folder, made = tmp_path_factory.mktemp("kinds") / "bank", {}
    for name, vectors in {"added": "difference", "grafted": "paper"}.items():
        asked = {"vectors": vectors, "t_x": 0.4, "delta_tau": -0.2, "seeds": (0,), "steps": 5, "guidance_scale": 1.0}
        spec = complete(learn_spec(name, [SOURCE], [TARGET], **asked), backbone)
        made[name] = learn_attribute(spec, Avi(), backbone, DDIM())
        Bank(folder).add(encode(made[name]))
    return folder, made


@pytest.mark.parametrize("names", [("added", "grafted"), ("grafted", "added")])
def test_a_picture_gets_its_attributes_in_the_order_given(
    names: tuple[str, ...], both_kinds, backbone, tiny_pipeline: Path, tmp_path: Path
) -> None:
    bank, made = both_kinds
    references = tuple(Asked(name, 1.0) for name in names)
    asked = {"steps": 5, "guidance_scale": 1.0, "seed": 7, "output": tmp_path / "out.png", "only_after": True}
    picture = apply(ApplyRequest(references=references, bank=bank, backbone=str(tiny_pipeline), **asked)).after

    def in_turn(x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        for name in names:
            x = Avi().edit(made[name].record, made[name].tensors)(x, inputs, strength)
        return x

    run = Trajectory(backbone, DDIM(), grid=DDIM().grid(5, backbone.schedule), guidance_scale=1.0)
    expected = run_edits(run, SOURCE, (7,), [Act(2, in_turn, 1.0)], with_before=False).after
    assert torch.equal(picture, backbone.decode(expected)[0])
