from __future__ import annotations

import pytest

from attrbank.errors import InvalidValueError
from attrbank.names import (
    Asked,
    When,
    format_seeds,
    parse_asked,
    parse_reference,
    parse_seeds,
    parse_when,
    validate_name,
)

HOSTILE = (
    *("", ".", "..", "../x", "/etc/passwd", "C:\\x", "-rf", "_x", "Young", "a b", "a\n", "a\0", "é", "a" * 65),
    *("%2e", "$(x)", "'; drop table", "[red]", "\x1b]0;", "٣"),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_refused_with_the_rule(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        validate_name(text)
    assert "64" in (caught.value.hint or "")
    assert caught.value.message.isascii()
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("text", ["a", "0", "young", "a" * 64, "more-glasses_2"])
def test_names_within_the_rule_are_kept(text: str) -> None:
    assert text == validate_name(text)


def test_hex_text_may_be_a_name_or_a_prefix() -> None:
    reference = parse_reference("facade")
    assert (reference.name, reference.prefix, reference.pinned) == ("facade", "facade", False)


def test_short_hex_text_is_only_a_name() -> None:
    assert parse_reference("face1").prefix is None


def test_pinned_reference_has_name_and_prefix() -> None:
    reference = parse_reference("young@3fa9c1")
    assert (reference.name, reference.prefix, reference.pinned) == ("young", "3fa9c1", True)


@pytest.mark.parametrize("text", ["young@", "young@3fa9c", "young@xyzxyz", "young@" + "a" * 65, "@3fa9c1", "../x"])
def test_malformed_references_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_reference(text)


@pytest.mark.parametrize(
    ("text", "strength"), [("young:0.7", 0.7), ("young:-2", -2.0), ("young:1e1", 10.0), ("young", None)]
)
def test_strength_follows_the_colon(text: str, strength: float | None) -> None:
    assert parse_asked(text) == Asked("young", strength)


@pytest.mark.parametrize("text", ["young:", "young:abc", "young:nan", "young:inf", "young:1e999", "young:1_0", "a:1:2"])
def test_strength_that_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_asked(text)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("smile:0.7@0.3", Asked("smile", 0.7, When(0.3))),
        ("smile@.3", Asked("smile", None, When(0.3))),
        ("smile@1.0", Asked("smile", None, When(1.0))),
        ("smile:-1@0.8..0.2", Asked("smile", -1.0, When(0.8, 0.2))),
        ("smile@0.8...0", Asked("smile", None, When(0.8, 0.0))),
        ("smile@3fa9c1:0.7@0.3", Asked("smile@3fa9c1", 0.7, When(0.3))),
        ("3fa9c1@0.3", Asked("3fa9c1", None, When(0.3))),
    ],
)
def test_a_time_follows_the_last_at_and_has_a_point(text: str, asked: Asked) -> None:
    assert parse_asked(text) == asked


def test_hex_digits_behind_an_at_are_an_id_however_much_they_look_like_a_number() -> None:
    assert parse_asked("young@100000:0.5") == Asked("young@100000", 0.5)


@pytest.mark.parametrize(
    "time",
    ["0.0", "1.1", "2.5", "-0.3", "0.3:0.7", "1e-1.0", "0.2..0.8", "0.3..0.3", "0.8..", "..0.2", "0.8..1", "nan."],
)
def test_what_has_a_point_and_is_no_time_is_refused_with_the_rule(time: str) -> None:
    with pytest.raises(InvalidValueError, match="is no time") as caught:
        parse_asked(f"smile@{time}")
    assert "smile:0.7@0.3" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["smile@1", "smile@0", "smile@5", "smile:0.7@3", "smile@0.3@0.4"])
def test_a_number_without_a_point_is_no_time_and_there_is_only_one(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_asked(text)


@pytest.mark.parametrize("when", [When(0.3), When(1.0), When(0.8, 0.2), When(0.000001), When(0.5, 0.0)])
def test_a_time_is_read_back_as_it_is_written(when: When) -> None:
    assert parse_when(str(when)) == when


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-3", (0, 1, 2, 3)), ("5", (5,)), ("1,5,9", (1, 5, 9)), ("9, 0-2", (9, 0, 1, 2))]
)
def test_seeds_are_a_list_or_a_range(text: str, seeds: tuple[int, ...]) -> None:
    assert seeds == parse_seeds(text)


@pytest.mark.parametrize(
    "text", ["", ",", "-1", "3-1", "1,1", "0-3,2", "a", "1.5", "0-", "9223372036854775808", "0-100000", "0-9" * 9999]
)
def test_malformed_seeds_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_seeds(text)


@pytest.mark.parametrize("seeds", [(7,), (1, 2), (0, 1, 2, 9, 4, 5), (3, 2, 1), tuple(range(64))])
def test_formatted_seeds_are_read_back(seeds: tuple[int, ...]) -> None:
    assert seeds == parse_seeds(format_seeds(seeds))


def test_a_run_of_seeds_is_formatted_as_a_range() -> None:
    assert format_seeds(range(64)) == "0-63"
