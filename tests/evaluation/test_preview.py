"""``learn`` ends with the picture, and never loses an attribute over it."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import attrbank
from attrbank.editing.acting import ready
from attrbank.errors import NumericError
from attrbank.evaluation import preview
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.preview import as_jpeg, draw_preview, fresh_seeds
from attrbank.pictures.sheet import TILE, to_image
from attrbank.samplers.ddim import DDIM
from attrbank.store.bank import Bank
from attrbank.store.previews import MAX_PREVIEW
from tests.cli.conftest import (
    Cli,
    bank as bank,  # noqa: PLC0414 — a fixture
    cli as cli,  # noqa: PLC0414
)
from tests.helpers.counted import counting
from tests.helpers.tiny_bench import SOURCE, backbone as backbone, learned as learned  # noqa: PLC0414

PROMPTS = ("--source", "a photo of a person", "--target", "a photo of an old person", "--seeds", "0-1", "--steps", "4")


def test_it_shows_no_half_and_all_of_the_attribute_on_three_fresh_seeds(backbone, learned) -> None:
    sheet = np.asarray(draw_preview(learned, backbone))
    bench = Bench(backbone, SOURCE, (2000, 2001, 2002), sampler="ddim", steps=10, guidance_scale=3.0)
    columns = [bench.unedited, *(bench.edited([bench.act(learned, strength)]) for strength in (0.5, 1.0))]
    for column, row in itertools.product(range(3), range(3)):
        tile = to_image(bench.images(columns[column])[row]).resize((TILE, TILE), Image.Resampling.LANCZOS)
        expected = np.asarray(tile).astype(int)
        right, bottom = sheet.shape[1] - (2 - column) * (TILE + 2) - 2, sheet.shape[0] - (2 - row) * (TILE + 2) - 2
        found = sheet[bottom - TILE : bottom, right - TILE : right].astype(int)
        assert np.abs(found - expected).max() <= 2, (column, row)


def test_what_the_three_have_in_common_is_drawn_once(backbone, learned) -> None:
    told: list[tuple[str, int, int]] = []
    with counting(backbone) as rows:
        draw_preview(learned, backbone, lambda *progress: told.append(progress))
    grid = DDIM().grid(10, backbone.schedule)
    steps, before = len(grid), ready(learned, 1.0).on(grid, backbone.schedule).index
    assert rows() == 2 * 3 * (steps + 2 * (steps - before))  # guided, three pictures
    assert told[-1] == ("drawing a preview", 3 * steps, 3 * steps)


def test_what_cannot_be_seen_in_it_is_told(backbone, learned, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    draw_preview(learned, backbone, on_warning=told.append)
    assert told == []
    monkeypatch.setattr(preview, "STRENGTHS", (0.0, 0.0))
    draw_preview(learned, backbone, on_warning=told.append)
    (warning,) = told
    assert "changes nothing that can be seen" in warning


def test_what_a_plugins_backbone_decodes_is_looked_at(backbone, learned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(backbone), "decode", lambda self, latent: torch.full((1, 3, 32, 32), torch.nan))
    with pytest.raises(NumericError, match="decoded"):
        draw_preview(learned, backbone)
    bench = Bench(backbone, SOURCE, (2000,), sampler="ddim", steps=4, guidance_scale=3.0)
    with pytest.raises(NumericError, match="decoded"):
        bench.images(bench.unedited)


def test_the_seeds_are_none_that_was_learned_from() -> None:
    assert fresh_seeds((0, 1)) == (2000, 2001, 2002)
    assert fresh_seeds((2001, 2003)) == (2000, 2002, 2004)


@pytest.mark.parametrize(("side", "kept"), [(300, 300), (1200, 300)])
def test_a_preview_is_small_whatever_is_in_it(side: int, kept: int) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    found = as_jpeg(Image.fromarray(noise))
    assert len(found) <= MAX_PREVIEW
    with Image.open(io.BytesIO(found)) as image:
        assert image.size == (kept, kept)


def test_learn_says_where_it_is_and_show_too(cli: Cli, bank: Bank, tiny_pipeline: Path) -> None:
    done = cli("learn", "old", *PROMPTS, "--backbone", str(tiny_pipeline), "--json")
    assert done.code == 0, done.err
    path = json.loads(done.out)["preview"]
    assert path in done.err
    with Image.open(path) as image:
        assert image.width > 3 * TILE
    assert path in cli("show", "old").out
    assert json.loads(cli("show", "old", "--json").out)["preview"] == path


def test_nobody_has_to_have_one(cli: Cli, bank: Bank, tiny_pipeline: Path) -> None:
    done = cli("learn", "old", *PROMPTS, "--backbone", str(tiny_pipeline), "--no-preview", "--json")
    assert (done.code, json.loads(done.out)["preview"]) == (0, None)
    assert "preview" not in cli("show", "old").out
    assert not (bank.path / "previews").exists()


@pytest.mark.parametrize("error", [NumericError("not finite"), RuntimeError("out of memory")])
def test_what_cannot_be_drawn_is_stored_all_the_same(
    error: Exception, cli: Cli, bank: Bank, tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(preview, "draw_preview", fail)
    done = cli("learn", "old", *PROMPTS, "--backbone", str(tiny_pipeline), "--json")
    assert done.code == 0
    assert f"no preview could be drawn of old, which is stored: {error}" in done.err
    assert json.loads(done.out)["preview"] is None
    assert bank.resolve("old")


def test_python_draws_one_too_unless_it_is_told_not_to(bank: Bank, tiny_pipeline: Path) -> None:
    asked = {"seeds": range(2), "steps": 4, "backbone": tiny_pipeline, "bank": bank.path}
    old = attrbank.learn("old", "a person", "an old person", **asked)
    bare = attrbank.learn("bare", "a person", "an old man", **asked, preview=False)
    assert (bank.previews.path(old) is None, bank.previews.path(bare)) == (False, None)


def test_it_travels_with_the_attribute(cli: Cli, bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    cli("learn", "old", *PROMPTS, "--backbone", str(tiny_pipeline))
    assert cli("export", "old", "--bundle", "-o", str(tmp_path / "pack")).code == 0
    (picture,) = (tmp_path / "pack").glob("old-*.preview.jpg")
    other = str(tmp_path / "other")
    assert cli("import", str(tmp_path / "pack"), "--bank", other).code == 0
    assert Bank(other).previews.read(Bank(other).resolve("old")) == picture.read_bytes()
