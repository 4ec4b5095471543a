"""Strips and grids: what a cell shows, what it costs, and where the picture goes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attrbank.errors import NumericError
from attrbank.pictures.sheet import GRID, TILE
from attrbank.plugins.manager import PluginManager
from tests.cli.conftest import Cli

STEPS, GUIDED = 10, 2
"""Of every run; a step of the tiny model costs two evaluations under guidance."""
RUN = ("--steps", str(STEPS))


@pytest.fixture
def learned(cli: Cli, tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attributes ``old`` and ``odd``, which act at .4, in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    options = ("--backbone", str(tiny_pipeline), "--seeds", "0-1", "--steps", "8", "--core", "mean", "--no-preview")
    for name, target in (("old", "a photo of an old person"), ("odd", "a photo of a man")):
        outcome = cli("learn", name, "--source", "a photo of a person", "--target", target, *options)
        assert outcome.code == 0, outcome.err


def cells(path: str, rows: int, columns: int) -> list[list[np.ndarray]]:
    """The pictures of a sheet."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    side = TILE + GRID.gap
    left = pixels.shape[1] - columns * side
    return [
        [pixels[GRID.strip + r * side :, left + c * side :][:TILE, :TILE] for c in range(columns)] for r in range(rows)
    ]


@pytest.mark.usefixtures("learned")
def test_a_strip_runs_only_what_follows_the_edit_for_every_further_strength(cli: Cli) -> None:
    outcome = cli("strip", "old", "--strengths", "0:1:11", *RUN, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    (turn,) = found["cells"][1]["attributes"]
    after = sum(1 for t in range(1, 1000, 1000 // STEPS) if t <= turn["t"])
    assert found["unet_evaluations"] == GUIDED * (STEPS + 10 * after)
    assert found["output"] == "old_strip.png"


@pytest.mark.usefixtures("learned")
def test_a_cell_is_the_picture_that_apply_draws(cli: Cli) -> None:
    assert cli("grid", "--x", "old=0,1", "--y", "seed=3,5", *RUN, "-o", "grid.png").code == 0
    ((plain, old), (_, other)) = cells("grid.png", 2, 2)
    assert not np.array_equal(plain, old)
    assert not np.array_equal(old, other)
    assert cli("apply", "old", "--seed", "3", "--only-after", *RUN, "-o", "one.png").code == 0
    alone = Image.open("one.png").convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(alone), old)


@pytest.mark.usefixtures("learned")
def test_all_cells_of_a_sheet_are_planned_with_one_look_at_the_weights(cli: Cli, monkeypatch) -> None:
    describe, seen = PluginManager.describe, list[str]()
    monkeypatch.setattr(
        PluginManager, "describe", lambda self, source: (seen.append(source), describe(self, source))[1]
    )
    assert cli("grid", "--x", "old=0:1:3", "--y", "seed=0-1", *RUN).code == 0
    assert len(seen) == 1


@pytest.mark.usefixtures("learned")
def test_attributes_prompts_and_samplers_are_axes_too(cli: Cli) -> None:
    for x, y in (("attribute=old,odd:-1", "prompt=a person|a man"), ("odd=0:1:2", "sampler=ddim,ddpm")):
        outcome = cli("grid", "old:0.5", "--x", x, "--y", y, *RUN) if "odd=" in x else cli("grid", "--x", x, "--y", y)
        assert outcome.code == 0, outcome.err
    assert {path.name for path in Path().glob("*.png")} == {"attribute_prompt_grid.png", "odd_sampler_grid.png"}


@pytest.mark.usefixtures("learned")
def test_a_sheet_replaces_nothing_unasked(cli: Cli) -> None:
    outputs = [cli("strip", "old", "--strengths", "0,1", *RUN).out.strip() for _ in range(2)]
    assert outputs == ["old_strip.png", "old_strip-2.png"]


@pytest.mark.usefixtures("learned")
def test_a_sheet_is_no_picture_to_edit_or_to_learn_from(cli: Cli) -> None:
    assert cli("strip", "old", "--strengths", "0,1").code == 0
    refused = (
        cli("apply", "old", "-i", "old_strip.png"),
        cli("learn", "x", "--source-image", "old_strip.png", "--target-image", "old_strip.png"),
    )
    for outcome in refused:
        assert (outcome.code, "old_strip.png is a sheet of attrbank's, of many pictures" in outcome.err) == (4, True)
    shown = cli("show", "old_strip.png")
    assert (shown.code, "which have a recipe each" in shown.err) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("strip", "old:0.7"), 4, "Write old without :S"),
        (("strip", "nobody"), 3, "nobody"),
        (("grid", "--x", "old=0:1:3", "--y", "old=0:1:3"), 4, "Both axes vary old"),
        (("grid", "--x", "old=0:1", "--y", "seed=0"), 4, "FROM:TO:COUNT"),
        (("strip", "old", "-o", "nowhere/strip.png"), 7, "cannot be written"),
    ],
)
@pytest.mark.usefixtures("learned")
def test_what_is_wrong_is_said_before_anything_is_drawn(cli: Cli, arguments, code: int, says: str) -> None:
    outcome = cli(*arguments)
    assert outcome.code == code, outcome.err
    assert says in outcome.err
    assert not list(Path().glob("*.png"))


@pytest.mark.usefixtures("learned")
@pytest.mark.parametrize(
    "asked",
    [
        ("strip", "old", "--strengths", "0:1:3"),
        ("strip", "old", "odd:0.5", "--strengths", "0,1", "--seeds", "0-1"),
        ("grid", "--x", "old=0:1:2", "--y", "odd=0:1:2"),
    ],
    ids=" ".join,
)
def test_workers_draw_the_same_sheet_byte_for_byte(asked: tuple[str, ...], cli: Cli) -> None:
    for name, where in (("here.png", ()), ("there.png", ("--on", "here"))):
        outcome = cli(*asked, *RUN, *where, "-o", name)
        assert outcome.code == 0, outcome.err
    assert Path("here.png").read_bytes() == Path("there.png").read_bytes()


@pytest.mark.usefixtures("learned")
def test_a_picture_that_cannot_be_drawn_ends_the_sheet(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self, *arguments):
        raise NumericError("Not finite.")

    monkeypatch.setattr("attrbank.editing.run.Editor.draw", broken)
    outcome = cli("strip", "old", *RUN, "--on", "here")
    assert (outcome.code, "Not finite." in outcome.err) == (1, True)
    assert not Path("old_strip.png").exists()
