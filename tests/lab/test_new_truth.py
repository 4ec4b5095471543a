"""Whether an attribute slides is told from effects alone, and what was measured stands in a table."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from attrbank_avatars import goals

from attrbank.evaluation.judges import readings
from lab.figures.new_truth import STEPS, TRUTHS, Slide, slide_of, table

EVENLY = torch.linspace(0, 1, STEPS + 1)
AT_ONCE = (EVENLY > 0.45).float()


def test_what_grows_evenly_slides() -> None:
    assert slide_of(torch.stack([EVENLY, 3 * EVENLY - 2], dim=1)) == pytest.approx(Slide(0.1, 0.0, 1.0), abs=1e-5)


def test_what_comes_at_once_is_a_switch() -> None:
    found = slide_of(torch.stack([AT_ONCE, AT_ONCE], dim=1))
    assert found.largest == 1
    assert found.off == pytest.approx(0.2273, abs=1e-3)


def test_a_picture_that_goes_back_and_forth_is_out_of_order() -> None:
    shaken = EVENLY[[0, 3, 1, 2, 7, 4, 5, 6, 9, 8, 10]]
    assert slide_of(torch.stack([EVENLY, shaken], dim=1)).in_order == 0.5


def test_the_median_picture_says_how_large_the_largest_step_is() -> None:
    assert slide_of(torch.stack([EVENLY, EVENLY, AT_ONCE], dim=1)).largest == pytest.approx(0.1, abs=1e-5)


def test_a_row_tells_success_with_its_interval_and_how_the_attribute_slides() -> None:
    estimate = {"value": 0.5, "low": 0.25, "high": 0.75}
    point = {"strength": 1.0, "figures": {"success": estimate}, "unet_evaluations": 60, "seconds": 1}
    curve = {
        "points": [point],
        "matched": {"strength": 1, "reached": False, "figures": {}},
        "monotonicity": 1,
        "smoothness": 1,
    }
    curve |= {"competitor": "attribute", "usable": None}
    found = {"name": "hat", "id": "0", "target": "", "size_bytes": 1, "pictures": 9, "limit": {}, "unedited": {}}
    text = table({"attributes": [{**found, "curves": [curve]}], "slides": {"hat": [0.3, 0.1, 0.8]}})
    assert text.splitlines()[-1].startswith("| hat | 9 | 0.50 [0.25, 0.75] / – ")
    assert text.endswith("| – | – | – | 0.30 | 0.10 | 0.80 |")


@pytest.mark.parametrize("backbone", TRUTHS)
def test_every_model_has_eight_attributes_or_more(backbone: str) -> None:
    assert len(TRUTHS[backbone].pairs) >= 8


@pytest.mark.parametrize(("backbone", "known"), [("portraits", readings.GOALS), ("avatars", goals.GOALS)])
def test_every_attribute_is_a_goal_of_the_judge(backbone: str, known: Mapping[str, object]) -> None:
    assert TRUTHS[backbone].pairs.keys() <= known.keys()
