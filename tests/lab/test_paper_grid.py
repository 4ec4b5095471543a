"""The paper's edit over its settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrbank_findings.graft import Graft
from torch import Tensor

from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.judges.readings import PROMPTS, Pictures, has_all, perceptual_distance
from lab.figures.paper_grid import best_table, picked, settings, table
from lab.figures.paper_setting import Lacking, Setting
from tests.helpers.readings import showing

DOCS = Path(__file__).parents[2] / "docs"
PUBLISHED = Setting(k=8)
"""On the tiny model's latents, r = 16."""


class Brightness:
    """Sees a smile in bright pictures; the skin follows the brightness, too."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def look(self, images: Tensor) -> Pictures:
        light = images.mean((1, 2, 3)) - self.threshold
        return showing(light, "smile", identity=light, features=[images])


@pytest.fixture
def judge(bench: Bench) -> Brightness:
    """One of the three pictures smiles already."""
    shades = bench.images(bench.unedited).mean((1, 2, 3)).sort().values
    return Brightness(float(shades[1:].mean()))


def test_without_strength_no_setting_does_anything(bench: Bench, judge: Brightness) -> None:
    found = Lacking(bench, judge, "smile").grafted(PUBLISHED, rho=0.0)
    assert found["pictures"] == 2
    assert [found[figure]["value"] for figure in ("success", "flips", "identity", "distance")] == [0, 0, 0, 0]


def test_the_published_setting_is_the_papers_graft(bench: Bench, judge: Brightness) -> None:
    before = judge.look(bench.images(bench.unedited))
    rows = ~has_all(before, ("smile",))
    graft = Graft(bench.only(rows), PROMPTS["smile"])
    expected = perceptual_distance(before[rows], judge.look(graft.images(graft.latents(1.0)))).mean().item()
    lacking = Lacking(bench, judge, "smile")
    assert lacking.grafted(PUBLISHED)["distance"]["value"] == pytest.approx(expected, rel=1e-3)
    other = lacking.grafted(PUBLISHED._replace(k=1))
    assert other["distance"]["value"] != pytest.approx(expected, rel=1e-2)


def test_prompts_are_measured_on_the_same_pictures_from_the_same_time_on(bench: Bench, judge: Brightness) -> None:
    found = Lacking(bench, judge, "smile").compared(PUBLISHED)
    before = judge.look(bench.images(bench.unedited))
    rows = ~has_all(before, ("smile",))
    part = bench.only(rows)
    for since in (1.0, 0.8):
        after = judge.look(part.images(part.switched(PROMPTS["smile"], since)))
        expected = perceptual_distance(before[rows], after).mean().item()
        assert found["prompts"][f"target prompt from {since:g}"]["distance"]["value"] == pytest.approx(expected)


def test_every_setting_is_tried_once_the_published_one_first() -> None:
    tried = settings()
    assert tried[0] == Setting()
    assert len(set(tried)) == len(tried)


def _point(success: float, identity: float, setting: Setting) -> dict[str, object]:
    shares = {"success": success, "flips": 0.0, "identity": identity, "distance": 0.1}
    figures = {figure: {"value": value, "low": value, "high": value} for figure, value in shares.items()}
    return {"setting": setting._asdict(), "pictures": 2, **figures}


def test_what_comes_most_and_what_comes_at_the_least_cost_are_picked() -> None:
    careful, thorough, wasteful = Setting(k=8), Setting(k=4), Setting(k=1)
    tried = [_point(0.5, 0.1, careful), _point(1.0, 0.4, thorough), _point(1.0, 0.9, wasteful)]
    assert list(picked(tried).values()) == [Setting(), thorough, careful]
    assert len(table({"smile": {"tried": tried}}).splitlines()) == 2 + len(tried)


def test_the_page_shows_what_was_measured() -> None:
    measured = json.loads((DOCS / "paper-grid.json").read_text(encoding="utf-8"))["attributes"]
    for found in measured.values():
        assert [Setting(**point["setting"]) for point in found["tried"]] == settings()
    page = (DOCS / "findings.md").read_text(encoding="utf-8")
    assert best_table(measured) in page
