"""A time that the user gives: when an attribute then acts, what travels with the picture, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.cli.show import command_of
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.editing.plan import Plan, plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.errors import InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.methods.completing import completed
from attrbank.methods.moving import LAST
from attrbank.names import parse_asked
from attrbank.pictures.png_text import read_recipe_text
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.carried import Recipe
from attrbank.store.bank import Bank
from attrbank.store.header import seal

SOURCE, TARGET = "a photo of a person", "a photo of an old person"
STEPS = 10


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture(scope="module")
def made(backbone) -> dict[str, LearnedAttribute]:
    """One attribute that acts once, one that acts on the way, and one with the paper's vectors."""
    kinds = {"once": {"core": "mean"}, "onward": {"core": "live"}, "grafted": {"vectors": "paper"}}
    common = {"seeds": (0, 1), "steps": STEPS, "guidance_scale": 3.0}
    return {
        name: learn_attribute(
            complete(learn_spec(name, [SOURCE], [TARGET], **common, **options), backbone), Avi(), backbone, DDIM()
        )
        for name, options in kinds.items()
    }


@pytest.fixture(scope="module")
def bank(made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("times") / "bank"
    for attribute in made.values():
        Bank(folder).add(seal(encode(attribute)))
    return folder


@pytest.fixture
def planned(bank: Path, tiny_pipeline: Path):
    def make(*texts: str, **options) -> Plan:
        return plan(request(*texts, bank=bank, backbone=str(tiny_pipeline), **options))

    return make


def request(*texts: str, **options) -> ApplyRequest:
    options = {"steps": STEPS, "guidance_scale": 3.0, **options}
    return ApplyRequest(references=tuple(map(parse_asked, texts)), **options)


def test_an_attribute_acts_at_the_step_nearest_to_the_time_that_was_asked_for(planned) -> None:
    for time, timestep in (("0.3", 301), ("0.62", 601), ("1.0", 901)):
        (turn,) = planned(f"once@{time}").turns
        assert turn.t == timestep
    assert planned("once").turns[0].t == 401


def test_the_clean_difference_is_the_same_at_any_time(made, backbone, bank, tiny_pipeline, tmp_path) -> None:
    """What is added in the latent is in proportion to √ᾱ, so that what it means of the clean latent stays."""
    done = apply(
        request(
            "once:0.7@0.2", bank=bank, backbone=str(tiny_pipeline), output=tmp_path / "out.png", prompt=SOURCE, seed=7
        )
    )
    record, run = (
        made["once"].record,
        Trajectory(backbone, DDIM(), grid=DDIM().grid(10, backbone.schedule), guidance_scale=3.0),
    )
    ratio = (backbone.schedule.alpha_bar(200) / record.resolved.alpha_bar_x) ** 0.5
    act = Act(7, Avi().edit(record, made["once"].tensors, "mean"), 0.7 * ratio)
    expected = backbone.decode(run_edits(run, SOURCE, (7,), [act], with_before=False).after)[0]
    torch.testing.assert_close(done.after, expected)


def test_attributes_act_in_the_order_of_the_times_that_were_asked_for(planned) -> None:
    assert [turn.entry.name for turn in planned("once@0.2", "grafted").turns] == ["grafted", "once"]
    assert [turn.entry.name for turn in planned("grafted", "once@0.95").turns] == ["once", "grafted"]


@pytest.mark.parametrize(("time", "ends"), [("0.7", LAST), ("0.7..0.45", 0.45), ("0.4..0.0", 0.0)])
def test_what_acts_on_the_way_begins_at_a_time_or_acts_between_two(time: str, ends: float, planned, backbone) -> None:
    (turn,) = planned(f"onward@{time}", steps=50).turns
    schedule, first = backbone.schedule, float(time.partition("..")[0])
    assert turn.record.times[0] == schedule.alpha_bar(schedule.timestep_of(first))
    assert turn.record.times[-1] == schedule.alpha_bar(schedule.timestep_of(ends))
    assert len(turn.record.times) == len(turn.indices) == len(planned("onward").turns[0].record.times)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("once@0.8..0.2", "acts once"),
        ("onward@0.2", "cannot begin at 0.2"),
        ("grafted@0.3", "the paper's vectors"),
    ],
)
def test_a_time_that_an_attribute_cannot_have_is_refused_with_what_it_can(text: str, reason: str, planned) -> None:
    with pytest.raises(InvalidValueError, match=reason) as refused:
        planned(text)
    name = text.partition("@")[0]
    hinted = next(word.strip(".,") for word in refused.value.hint.split() if word.startswith(name))
    assert planned(hinted).turns


def test_the_mean_of_what_acts_on_the_way_acts_once(planned) -> None:
    (turn,) = planned("onward@0.3", core="mean").turns
    assert (turn.t, turn.indices) == (301, (6,))


def test_a_method_that_does_not_say_how_cannot_be_moved(made, backbone) -> None:
    class Stays:
        name = "stays"

    with pytest.raises(InvalidValueError, match="'stays' learns acts at its own time"):
        completed(Stays()).moved(made["once"].record, None, parse_asked("once@0.3").when, backbone.schedule)


def test_a_picture_says_when_its_attributes_acted_and_its_command_makes_it_again(
    bank: Path, tiny_pipeline: Path, tmp_path: Path
) -> None:
    common = {"bank": bank, "backbone": str(tiny_pipeline)}
    asked = request("once:0.7@0.2", "onward@0.7..0.3", output=tmp_path / "one.png", **common)
    done = apply(asked)
    recipe = Recipe.model_validate_json(read_recipe_text(done.output))
    assert [turn.at for turn in recipe.steps_applied] == ["0.7..0.3", "0.2"]
    words = command_of(recipe).split()
    texts = [word for word in words if "@" in word]
    assert [text.rpartition("@")[2] for text in texts] == ["0.7..0.3", "0.2"]
    again = apply(request(*texts, output=tmp_path / "two.png", prompt=recipe.prompt, **common))
    assert torch.equal(again.after, done.after)


def test_a_recipe_of_before_there_were_times_is_still_read() -> None:
    recipe = {
        "steps_applied": [{"name": "old", "id": "0" * 64, "strength": 1.0, "t": 401}],
        "prompt": "",
        "seed": 0,
        "sampler": "ddim",
        "steps": 5,
        "guidance_scale": 1.0,
        "backbone": "portraits",
        "fingerprint": "f" * 16,
    }
    assert Recipe.model_validate_json(json.dumps(recipe)).steps_applied[0].at is None


def test_the_plan_says_so_and_warns_where_the_grid_has_no_such_step(planned) -> None:
    assert [turn["at"] for turn in planned("once@0.3", "onward").as_dict()["attributes"]] == [None, "0.3"]
    (warning,) = planned("once@0.3", steps=2).warnings
    assert "is asked for at t = 300; the nearest step of this grid is t = 501" in warning
