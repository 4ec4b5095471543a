"""A negative prompt takes the empty one's place in guidance, is recorded, and refused where it would do nothing."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import torch

from attrbank import open as open_model
from attrbank.backbones.families import load
from attrbank.diffusion.prediction import guide
from attrbank.diffusion.protocols import Prediction
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.diffusion.trajectory import Trajectory
from attrbank.pictures.recipes import recipe_in
from attrbank.samplers.ddim import DDIM
from attrbank.schema.carried import Recipe
from tests.cli.conftest import Cli
from tests.cli.test_replay import RUN, alike, picture, stocked

__all__ = ["picture", "stocked"]

AGAINST = ("--negative-prompt", "a photo of a woman")


def test_it_is_the_row_that_guidance_leads_away_from(tiny_pipeline: Path) -> None:
    model = load(str(tiny_pipeline))
    grid = DDIM().grid(4, model.schedule)
    run = Trajectory(model, DDIM(), grid=grid, guidance_scale=3.0, negative_prompt="a man")
    position, t = run.start([1]), grid[0][0]
    wanted, unwanted = (
        Prediction(*model.predict(position.latent, t, model.encode_prompts([p]))) for p in ("an old man", "a man")
    )
    torch.testing.assert_close(
        run.predict(position, run.conditioning("an old man")).eps,
        guide(unwanted, wanted, 3.0).eps,
        rtol=1e-4,
        atol=1e-5,
    )


def test_what_is_remembered_under_one_is_not_taken_under_another(tiny_pipeline: Path) -> None:
    model, memory = load(str(tiny_pipeline)), Memory()
    how = {"grid": DDIM().grid(4, model.schedule), "guidance_scale": 3.0, "memory": memory}
    runs = [RememberingTrajectory(model, DDIM(), **how, negative_prompt=text) for text in ("", "a man")]  # type: ignore[arg-type]
    plain, led = (run.predict(run.start([1]), run.conditioning("an old man")).eps for run in runs)
    assert not torch.equal(plain, led)


def test_it_is_recorded_shown_and_replayed_bit_for_bit(cli: Cli, picture: str) -> None:
    assert cli("apply", "old", *RUN, *AGAINST, "-o", "against.png").code == 0
    assert recipe_in(Path("against.png")).negative_prompt == "a photo of a woman"
    assert "--negative-prompt 'a photo of a woman'" in cli("show", "against.png").out
    assert cli("replay", "against.png", "-o", "again.png").code == 0
    assert alike("against.png", "again.png")
    assert cli("replay", "against.png", "--negative-prompt", "", "-o", "without.png").code == 0
    assert cli("apply", "old", *RUN, "-o", "plain.png").code == 0
    assert alike("without.png", "plain.png")
    assert not alike("against.png", "plain.png")


def test_an_older_recipe_has_none_and_says_so(picture: str) -> None:
    recipe = json.loads(recipe_in(Path(picture)).model_dump_json())
    assert recipe.pop("negative_prompt") == ""
    assert Recipe.model_validate(recipe) == recipe_in(Path(picture))


def test_strength_0_leaves_every_bit(picture: str, tiny_pipeline: Path, tmp_path: Path) -> None:
    studio = open_model(tiny_pipeline, bank=tmp_path / "copy")
    with warnings.catch_warnings(action="ignore"):
        same, other = (studio.apply(f"old:{s}", steps=8, negative_prompt="a woman") for s in (0, 1))
    assert np.array_equal(same.before, same.after)
    assert not np.array_equal(other.before, other.after)


def test_sheets_take_it(cli: Cli, picture: str) -> None:
    outcome = cli("strip", "old", "--strengths", "0,1", *RUN, *AGAINST, "--json")
    assert outcome.code == 0, outcome.err
    assert {cell["negative_prompt"] for cell in json.loads(outcome.out)["cells"]} == {"a photo of a woman"}


def test_it_is_refused_where_nothing_leads_away_from_it(cli: Cli, picture: str) -> None:
    for more in (("--guidance-scale", "1"), ("-i", picture)):
        outcome = cli("apply", "old", *RUN, *AGAINST, *more, "--plan")
        assert outcome.code == 4
        assert "--guidance-scale" in outcome.err


def test_it_is_said_if_it_says_what_an_attribute_brings(cli: Cli, picture: str) -> None:
    assert "leads away from it" in cli("apply", "old", *RUN, "--negative-prompt", "an old hat", "--plan").err
    assert "leads away from it" not in cli("apply", "old:-1", *RUN, "--negative-prompt", "an old hat", "--plan").err
