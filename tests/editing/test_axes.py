"""What the axes of strips and grids mean, and what is refused."""

from __future__ import annotations

import pytest

from attrbank.editing.axes import MOST_MARKS, Axis, Mark, SheetRequest, axis_of, numbers, strengths_axis
from attrbank.errors import AttrbankError, InvalidValueError
from attrbank.names import Asked

SEEDS = axis_of("seed=0-1")


def sheet(across: Axis, down: Axis = SEEDS, references=(), **common) -> SheetRequest:
    return SheetRequest(references=references, common=common, across=across, down=down)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("-1:1:5", (-1.0, -0.5, 0.0, 0.5, 1.0)),
        ("0:0.3:4", (0.0, 0.1, 0.2, 0.3)),
        ("1:0:2", (1.0, 0.0)),
        ("0, 0.5,1", (0.0, 0.5, 1.0)),
        ("0.7", (0.7,)),
    ],
)
def test_strengths_are_a_range_with_both_ends_or_a_list(text: str, found: tuple[float, ...]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize("text", ["0:1", "0:1:1", "0:1:x", "0:1:99999999999999999999", "a:1:3", "1,,2", "", "0:inf:3"])
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidValueError):
        numbers(text)


@pytest.mark.parametrize("text", ["young", "young=", "seed=x", "Young=0:1:3", "young=0,1;2"])
def test_what_is_no_axis_is_refused(text: str) -> None:
    with pytest.raises(AttrbankError):
        axis_of(text)


def test_an_axis_has_no_end_of_places() -> None:
    with pytest.raises(InvalidValueError, match=str(MOST_MARKS)):
        axis_of(f"seed=0-{MOST_MARKS}")


def test_cells_are_every_combination_row_by_row() -> None:
    cells = sheet(axis_of("prompt=a man|a woman"), references=(Asked("smile", 0.5),)).cells()
    assert [(cell.prompt, cell.seed) for cell in cells] == [
        ("a man", 0),
        ("a woman", 0),
        ("a man", 1),
        ("a woman", 1),
    ]
    assert {cell.references for cell in cells} == {(Asked("smile", 0.5),)}
    assert all(cell.only_after for cell in cells)


def test_attributes_on_an_axis_take_turns_and_those_that_are_given_stay() -> None:
    first, second, *_ = sheet(axis_of("attribute=young,old:0.5"), references=(Asked("smile"),)).cells()
    assert first.references == (Asked("smile"), Asked("young"))
    assert second.references == (Asked("smile"), Asked("old", 0.5))


def test_a_strength_on_an_axis_takes_the_place_of_the_one_that_was_given() -> None:
    cells = sheet(strengths_axis("young", "0,1"), references=(Asked("young"), Asked("hat", 1.0))).cells()
    assert [cell.references[0].strength for cell in cells] == [0.0, 1.0, 0.0, 1.0]


def test_a_grid_without_an_attribute_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="needs an attribute"):
        sheet(axis_of("sampler=ddim,ddpm")).cells()


def test_both_axes_must_differ() -> None:
    with pytest.raises(InvalidValueError, match="Both axes vary seed"):
        sheet(SEEDS)


def test_a_sheet_has_an_end() -> None:
    axis = Axis("young", tuple(Mark(str(n), {"young": Asked("young", n / 64)}) for n in range(64)))
    with pytest.raises(InvalidValueError, match="at most 400 pictures, not 4,096"):
        sheet(axis, axis_of("seed=0-63"))


def test_what_varies_may_have_a_time_and_no_strength_of_its_own() -> None:
    cells = sheet(axis_of("young@0.3=0,1"), references=(Asked("hat"),)).cells()
    assert [str(asked.when) for cell in cells for asked in cell.references] == ["None", "0.3"] * 4
    with pytest.raises(InvalidValueError, match="young varies, and has a strength"):
        axis_of("young:0.5=0,1")
