"""``docs/findings.md`` says what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attrbank.plugin import describe

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "findings.md").read_text(encoding="utf-8")
KINDS = ("sweep", "order", "distance", "ablation", "rho")


def figures(kind: str) -> dict[str, Any]:
    return json.loads((DOCS / "findings" / f"{kind}.json").read_text(encoding="utf-8"))


def value(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.3f}"


def told(readings: dict[str, dict[str, float]], *names: str) -> str:
    return " | ".join(value(readings[name]) for name in names)


def sweep_rows() -> Iterator[str]:
    points = figures("sweep")["points"]
    for vector in (1, 2, 8):
        doubled = [point for point in points if (point["vector"], point["factor"]) == (vector, 2.0)]
        cells = [f"{told(p['scaled'], 'perceptual')} / {told(p['random'], 'perceptual')}" for p in doubled]
        yield f"| {vector} | {' | '.join(cells)} |"


def order_rows() -> Iterator[str]:
    found = figures("order")
    largest = found["timesteps"].index(41)
    for way in found["ways"]:
        kept = way["kept"]
        before = [share for row in kept[:largest] for share in row]
        shares = (sum(before) / len(before), sum(kept[largest][:4]) / 4, sum(kept[largest]) / len(kept[largest]))
        yield f"| {way['way']} | {' | '.join(f'{share:.3f}' for share in shares)} |"


def distance_rows() -> Iterator[str]:
    found = figures("distance")
    for way in found["ways"]:
        shown = [way["to_last"][found["timesteps"].index(t)] for t in (961, 641, 321, 41)]
        steps = [way["to_next"][found["timesteps"].index(t)] for t in (641, 321, 41)]
        yield f"| {way['way']} | {' | '.join(map(value, [*shown, *steps]))} |"


def ablation_rows() -> Iterator[str]:
    for edit in figures("ablation")["edits"]:
        moved = f"{edit['moved']:.2f}"
        readings = told(edit["readings"], "success", "flips", "identity", "perceptual")
        yield f"| {edit['weights']} | {edit['terms']} | {moved} | {readings} |"


def rho_rows() -> Iterator[str]:
    for point in figures("rho")["points"]:
        readings = told(point["readings"], "success", "flips", "identity", "perceptual")
        yield f"| {point['vectors']} | {point['strength']:g} | {readings} |"


@pytest.mark.parametrize("rows", [sweep_rows, order_rows, distance_rows, ablation_rows, rho_rows])
def test_every_table_is_what_was_measured(rows: Any) -> None:
    for row in rows():
        assert row in PAGE


def test_everything_was_found_on_one_model_and_the_page_says_if_another_is_shipped() -> None:
    portraits = describe("portraits")
    found = {figures(kind)["setting"]["fingerprint"] for kind in KINDS}
    assert len(found) == 1
    assert (found <= {portraits.fingerprint, portraits.former_fingerprint}) != ("first edition" in PAGE)


def test_every_picture_and_file_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert target.startswith("http") or (DOCS / target).exists(), target
