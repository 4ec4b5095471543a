"""Learn, list, compat and apply on every family of models, through the command line."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.names import Asked
from attrbank.plugin.tiny import build_pipeline
from tests.cli.conftest import Cli
from tests.helpers.original_format import save_checkpoint

PROMPTS = ("--source", "a photo of a person", "--target", "a photo of an old person")
STEPS = ("--steps", "5")
MODELS = (
    "tiny_pipeline",
    "tiny_pipeline_zero_snr",
    "tiny_pipeline_xl",
    "tiny_sd3",
    "tiny_flux",
    "tiny_flux_schnell",
    "tiny_ddpm",
    "tiny_ldm",
)


@pytest.fixture
def folders(request: pytest.FixtureRequest) -> list[str]:
    """A model of every kind."""
    return [str(request.getfixturevalue(model)) for model in MODELS]


def learned(cli: Cli, folder: Path, *options: str) -> dict[str, Any]:
    """The attribute's line in the list."""
    outcome = cli("learn", "old", "--backbone", str(folder), *options, "--force")  # random models teach little
    assert outcome.code == 0, outcome.err
    (entry,) = json.loads(cli("list", "--json").out)
    return dict(entry)


def fits(cli: Cli, folders: list[str]) -> set[str]:
    """The models on which ``compat`` lets the attribute act; of all others it says in what they differ."""
    table = json.loads(cli("compat", *(word for folder in folders for word in ("--backbone", folder)), "--json").out)
    assert [cell["backbone"] for cell in table] == folders
    assert all(cell["fits"] is (cell["differs_in"] is None) for cell in table)
    return {cell["backbone"] for cell in table if cell["fits"]}


def applied(output: Path) -> dict[str, Any]:
    """What ``apply`` reports; its plan foretold it."""
    request = ApplyRequest(references=(Asked("old"),), steps=5, core="mean", output=output)
    planned, done = plan(request).as_dict(), apply(request)
    assert {name: done.as_dict()[name] for name in planned} == planned
    assert done.before is not None
    assert not torch.equal(done.before, done.after)
    assert output.is_file()
    return done.as_dict()


@pytest.mark.parametrize(
    ("model", "guidance_scale", "evaluations_per_step", "index", "t"),
    [
        ("tiny_pipeline", 7.5, 2, 2, 401),
        ("tiny_pipeline_zero_snr", 7.5, 2, 3, 399),
        ("tiny_pipeline_xl", 7.5, 2, 2, 401),
        ("tiny_sd3", 7.0, 2, 2, 500),
        ("tiny_flux", 3.5, 1, 3, 399),
        ("tiny_flux_schnell", 1.0, 1, 3, 399),
    ],
)
def test_models_with_prompts_learn_list_compare_and_apply(
    model: str,
    guidance_scale: float,
    evaluations_per_step: int,
    index: int,
    t: int,
    cli: Cli,
    folders: list[str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    folder = request.getfixturevalue(model)
    entry = learned(cli, folder, *PROMPTS, *STEPS, "--seeds", "0-1")
    assert (entry["backbone"], entry["guidance_scale"]) == (str(folder), guidance_scale)
    assert fits(cli, folders) == {str(folder)}
    done = applied(tmp_path / "old.png")
    assert done["unet_evaluations"] == evaluations_per_step * (5 + 5 - index)
    assert done["attributes"][0]["t"] == t


def test_single_file_takes_the_attributes_of_its_folder(cli: Cli, tiny_pipeline_xl: Path, tmp_path: Path) -> None:
    learned(cli, tiny_pipeline_xl, *PROMPTS, *STEPS, "--seeds", "0-1")
    checkpoint, output = save_checkpoint(tiny_pipeline_xl, tmp_path / "xl.safetensors"), tmp_path / "old.png"
    model = ("--backbone", str(checkpoint), "--config", str(tiny_pipeline_xl))
    assert cli("apply", "old", *model, *STEPS, "-o", str(output)).code == 0
    _, *again = shlex.split(cli("show", str(output)).out)
    planned = json.loads(cli(*again, "--plan", "--json").out)
    assert (planned["backbone"], planned["forced"]) == (f"{checkpoint}#config={tiny_pipeline_xl}", False)


def test_what_was_forced_on_a_relative_is_in_the_picture(cli: Cli, tiny_pipeline: Path, tmp_path: Path) -> None:
    learned(cli, tiny_pipeline, *PROMPTS, *STEPS, "--seeds", "0-1")
    relative, output = build_pipeline(tmp_path / "relative", seed=1), tmp_path / "old.png"
    model = ("--backbone", str(relative))
    assert cli("apply", "old", *model, *STEPS, "-o", str(output)).code == 8
    assert not output.exists()
    assert cli("apply", "old", *model, *STEPS, "-o", str(output), "--force").code == 0
    _, *again = shlex.split(cli("show", str(output)).out)
    assert json.loads(cli(*again, "--plan", "--json").out)["forced"] is True


def test_attribute_of_another_family_is_refused(cli: Cli, tiny_flux: Path, tiny_sd3: Path) -> None:
    learned(cli, tiny_flux, *PROMPTS, *STEPS, "--seeds", "0-1")
    outcome = cli("apply", "old", "--backbone", str(tiny_sd3), "--plan")
    assert outcome.code == 8
    assert str(tiny_flux) in outcome.err.replace("\n", "")
    assert str(tiny_sd3) in outcome.err.replace("\n", "")
    table = json.loads(cli("compat", "--backbone", str(tiny_flux), "--backbone", str(tiny_sd3), "--json").out)
    assert [(cell["fits"], cell["forcible"]) for cell in table] == [(True, False), (False, False)]


@pytest.mark.parametrize(
    ("options", "why"),
    [(("--device", "cuda:99"), "There is no device"), (("--device", "cpu", "--offload"), "in main memory already")],
)
def test_networks_cannot_run_where_there_is_no_place(
    options: tuple[str, ...], why: str, cli: Cli, tiny_pipeline: Path, tmp_path: Path
) -> None:
    learning = ("learn", "old", "--backbone", str(tiny_pipeline), *PROMPTS, *STEPS, "--seeds", "0-1")
    refused = cli(*learning, *options)
    assert (refused.code, json.loads(cli("list", "--json").out)) == (4, [])
    assert why in refused.err
    assert cli(*learning).code == 0
    refused = cli("apply", "old", *STEPS, "-o", str(tmp_path / "old.png"), *options)
    assert refused.code == 4
    assert why in refused.err


def test_networks_have_the_precision_that_is_asked_for(cli: Cli, tiny_pipeline: Path, tmp_path: Path) -> None:
    learned(cli, tiny_pipeline, *PROMPTS, *STEPS, "--seeds", "0-1", "--dtype", "bfloat16")
    pictures = {}
    for dtype in ("float32", "bfloat16"):
        output = tmp_path / f"{dtype}.png"
        assert cli("apply", "old", *STEPS, "-o", str(output), "--device", "cpu", "--dtype", dtype).code == 0
        pictures[dtype] = Image.open(output).tobytes()
    assert cli("apply", "old", *STEPS, "-o", str(tmp_path / "default.png")).code == 0
    assert Image.open(tmp_path / "default.png").tobytes() == pictures["float32"] != pictures["bfloat16"]


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[str, ...]:
    """The options for two pairs of pictures, one of which is the other with a bright spot."""
    for name, brightness in (("plain", 90), ("spotted", 250)):
        (tmp_path / name).mkdir()
        for number in range(2):
            picture = Image.new("RGB", (40, 40), (90, 60 + 40 * number, 90))
            picture.paste((brightness, 90, 90), (10, 20, 25, 30))
            picture.save(tmp_path / name / f"{number}.png")
    return "--source-image", str(tmp_path / "plain"), "--target-image", str(tmp_path / "spotted")


@pytest.mark.parametrize("model", ["tiny_ddpm", "tiny_ldm"])
def test_unconditional_models_learn_from_pictures_list_compare_and_apply(
    model: str,
    cli: Cli,
    folders: list[str],
    pictures: tuple[str, ...],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    folder = request.getfixturevalue(model)
    entry = learned(cli, folder, *pictures, *STEPS)
    assert (entry["backbone"], entry["guidance_scale"]) == (str(folder), 1.0)
    assert fits(cli, folders) == {str(folder)}
    done = applied(tmp_path / "old.png")
    assert (done["prompt"], done["unet_evaluations"]) == ("", 5 + 3)
    _, *again = shlex.split(cli("show", str(tmp_path / "old.png")).out)
    assert cli(*again, "--plan").code == 0
    for option in (["--prompt", "a man"], ["--guidance-scale", "3"]):
        refused = cli("apply", "old", "--plan", *option)
        assert refused.code == 4
        assert "unconditional" in refused.err


@pytest.mark.parametrize("model", ["tiny_ddpm", "tiny_ldm"])
def test_unconditional_models_are_not_to_be_prompted(model: str, cli: Cli, request: pytest.FixtureRequest) -> None:
    outcome = cli("learn", "old", "--backbone", str(request.getfixturevalue(model)), *PROMPTS)
    assert outcome.code == 4
    assert "knows no prompts" in outcome.err
