"""The comparison of methods: its table, its lines of code, and who takes part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from attrbank.evaluation.bench.competitors import chosen
from attrbank.plugins.manager import load_plugins
from lab import core_lines
from lab.figures.comparison import AGAINST, ATTRIBUTES
from lab.figures.comparison_table import COLUMNS, table
from lab.figures.new_truth import TRUTHS
from lab.rooms import House

HOUSE = House(Path(__file__).parents[2])
LEARNING = {"seeds": 8, "evaluations": 1600, "seconds": 31.4, "size_bytes": 4_210}


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value, "high": value}


def curve(name: str, distance: float, **more: Any) -> dict[str, Any]:
    values = {"success": 1.0, "damage": 0.25, "flips": 0.1, "identity": 0.3, "perceptual": distance, "effect": 1.0}
    figures = {key: estimate(value) for key, value in values.items()}
    point = {"strength": 1.0, "figures": figures, "unet_evaluations": 62.4, "seconds": 1.26}
    matched = {"strength": 1.0, "reached": True, "figures": figures}
    own = {"competitor": name, "points": [point], "matched": matched, "monotonicity": 1, "smoothness": 1}
    return {**own, "usable": None, **more}


def kept() -> dict[str, Any]:
    protocol = {
        "judge": "oracle",
        "judge_weights": "0",
        "split": "judge",
        "seeds": "30000-30011",
        "prompt": "a photo of a person",
        "backbone": "portraits",
        "fingerprint": "0123456789abcdef",
        "sampler": "ddim",
        "steps": 25,
        "guidance_scale": 3.0,
    }
    curves = [
        curve("attribute", 0.1),
        curve("target-prompt", 0.2),
        curve("method:loco/own", 0.4, learning=LEARNING),
    ]
    found = {"id": "0", "target": "", "size_bytes": 60_912, "pictures": 7, "limit": {"perceptual": 0.1}}
    more = {"unedited": {}, "curves": curves, "left_out": {"method:rude": "It has no bottleneck."}}
    return {
        "figures": {"protocol": protocol, "attributes": [{"name": "smile", **found, **more}]},
        "lines": {"avi": 1160, "loco": 188},
        "slides": {"smile": {"attribute": 0.18, "method:loco/own": None}},
        "learned": {**LEARNING, "evaluations": 9600},
    }


def row(text: str, name: str) -> list[str]:
    line = next(line for line in reversed(text.splitlines()) if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_tells_what_a_method_does_costs_and_is() -> None:
    found = dict(zip(COLUMNS, row(table(kept()), "**attrbank**"), strict=True))
    assert list(found.values()) == [
        "**attrbank**",
        "1.00",
        "1.00 / 0.25 / 0.100 / 0.30 / 0.100",
        "1.00: 0.25 / 0.100 / 0.30 / 0.100",
        "0.18",
        "62 / 1.3",
        "8, 9600 / 31",
        "60.9",
        "1160",
    ]


def test_of_a_rival_its_own_learning_size_and_lines_are_told_and_what_never_comes_does_not_slide() -> None:
    assert row(table(kept()), "loco/own")[1::3] == ["0.25", "–", "4.2"]
    assert row(table(kept()), "loco/own")[-3:] == ["8, 1600 / 31", "4.2", "188"]
    assert row(table(kept()), "target prompt")[-3:] == ["–", "–", "–"]


def test_each_attribute_has_a_verdict_a_warning_and_the_names_of_those_left_out() -> None:
    text = table(kept())
    assert "**smile.** It gets to a success of .95, at strength 1.00; of 2 other ways 2 get to .95" in text
    assert "Only 7 pictures" in text
    assert "Not measured: *rude* (It has no bottleneck)." in text
    assert text.startswith("| within ↑ | smile, 7 pictures |")


def test_every_method_that_is_registered_takes_part_and_no_list_names_them() -> None:
    names = {competitor.name for competitor in chosen(AGAINST)}
    registered = {each.spec.name for each in load_plugins().registrations("method")}
    assert {f"method:{name}" for name in registered} <= names
    assert not any(name in source for name in registered - {"avi", "text"} for source in AGAINST)


@pytest.mark.parametrize("backbone", ATTRIBUTES)
def test_every_attribute_has_a_pair(backbone: str) -> None:
    assert set(ATTRIBUTES[backbone]) <= TRUTHS[backbone].pairs.keys()


def test_a_methods_own_code_is_what_it_imports_of_its_package_and_nobody_is_lent() -> None:
    modules = core_lines.own_modules(HOUSE, "attrbank_guidance.ledits")
    assert modules >= {"attrbank_guidance.ledits", "attrbank_guidance.along"}
    assert "attrbank_guidance.sega" not in modules
    ours = core_lines.own_modules(HOUSE, "attrbank.methods.avi")
    assert {"attrbank.methods.path", "attrbank.avi.difference"} <= ours
    assert "attrbank.methods.protocol" not in ours


def test_comments_docstrings_and_the_way_it_is_laid_out_are_no_lines(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        '"""D."""\n\n# c\nX = (\n    1,\n    2,\n)\n"""What X is."""\n\ndef f():\n    """D."""\n'
    )
    assert core_lines.code_lines(tmp_path / "a.py") == 3  # X, def and pass
