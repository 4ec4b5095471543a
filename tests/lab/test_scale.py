"""The page on many says what the unit costs come to, and those are of this house."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.attribute import sketches
from attrbank.editing.alike import MOST_OPENED
from attrbank.store.bank import Bank
from lab.figures.scale import Units, beside, default_row, lines, read_units, spoken, table
from lab.flops import operations

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")


def test_the_page_has_the_table_that_the_units_make() -> None:
    units = read_units()
    assert table(units, default_row(units), (1, 8, 64)) in PAGE
    for line in beside(units, default_row(units)):
        assert f"- {line}\n" in PAGE


def test_what_can_be_counted_is_counted_so() -> None:
    units = read_units()
    assert units.bytes_sketch == sketches.ROW.itemsize
    entries = Bank.starter().entries()
    previews = [path.stat().st_size for entry in entries if (path := Bank.starter().previews.path(entry))]
    assert units.bytes_preview == pytest.approx(sum(previews) / len(previews), rel=0.3)
    assert units.tflop_row == pytest.approx(operations("sd15", 64) / 1e12, abs=0.01)
    assert str(MOST_OPENED) in PAGE


def test_twice_as_many_gpus_take_half_as_long() -> None:
    units = Units(*(1,) * len(Units._fields))
    assert [line.rows for line in lines(units)] == [10_000, 10_000, 1_000_000, 1_000_000]
    row = table(units, 3600.0, (1, 2)).splitlines()[2]
    assert row.endswith("| 416.7 days | 208.3 days |")


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "59 s"), (150, "2.5 min"), (7200, "2.0 h"), (172_800, "2.0 days"), (172_799, "48.0 h")]
)
def test_times_are_told_in_a_unit_of_which_there_are_two(seconds: float, text: str) -> None:
    assert spoken(seconds) == text
