"""The table of edits by prompts: at strength 1, the switch at its best, and what a picture takes."""

from __future__ import annotations

import pytest

from attrbank.evaluation.numbers.results import Figures
from lab.figures.prompts import SHOWN, TARGETS, table
from lab.figures.prompts_sheet import SETTINGS
from lab.starter_prompts import NEUTRAL


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value, "high": value}


def point(strength: float, success: float, evaluations: float) -> dict[str, object]:
    figures = {"success": estimate(success), "flips": estimate(0.125)}
    return {"strength": strength, "figures": figures, "unet_evaluations": evaluations, "seconds": 1}


def figures() -> Figures:
    points = [point(0.5, 0.75, 75), point(1.0, 0.25, 100)]
    common = {"matched": {"strength": 1, "reached": False, "figures": {}}, "monotonicity": 1, "smoothness": 1}
    curves = [{**common, "competitor": name, "points": points, "usable": None} for name in reversed(SHOWN)]
    found = {"id": "0", "target": "", "size_bytes": 1, "pictures": 9, "limit": {}, "unedited": {}, "curves": curves}
    protocol = {
        "judge": "oracle",
        "judge_weights": "0",
        "split": "judge",
        "seeds": "30000-30011",
        "prompt": NEUTRAL,
        "backbone": "portraits",
        "fingerprint": "0123456789abcdef",
        "sampler": "ddim",
        "steps": 25,
        "guidance_scale": 3.0,
    }
    return Figures.model_validate({"protocol": protocol, "attributes": [{"name": "smile", **found}]})


def test_a_row_tells_strength_one_and_the_best_switch_and_the_last_one_the_cost() -> None:
    *_, row, last = table(figures()).splitlines()
    others = ["0.25 / – / 0.125 / – / –"] * 3
    assert row == "| smile | 9 | " + " | ".join([others[0], "0.75 / – / 0.125 / – / –", *others]) + " |"
    assert last == "| evaluations | | 100 | 75 | 100 | 100 | 100 |"


@pytest.mark.parametrize("target", TARGETS.values())
def test_targets_say_more_than_the_pictures_own_prompt(target: str) -> None:
    assert target != NEUTRAL
    assert "person" in target


def test_a_sheet_shows_every_method() -> None:
    assert {method.partition(":")[0] for method, _ in SETTINGS.values()} == {
        "prompt-interpolation",
        "prompt-mixing",
        "prompt-to-prompt",
    }
