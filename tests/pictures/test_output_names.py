"""A template names pictures, and leads nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.editing.request import ApplyRequest
from attrbank.errors import InvalidValueError
from attrbank.names import Asked
from attrbank.pictures.output_names import KEYS, check_png, check_template, fill_in, slug

VALUES = {"name": "me", "attributes": "young+smile", "prompt": "a-man", "seed": "7", "number": "1"}


def test_every_key_can_be_filled_in():
    assert VALUES.keys() == KEYS.keys()
    template = "out/{name}_{attributes}_{prompt}_{seed}_{number}.png"
    check_template(template)
    assert fill_in(template, VALUES) == Path("out/me_young+smile_a-man_7_1.png")


@pytest.mark.parametrize(
    "template",
    [
        *("{nonsense}.png", "{seed", "seed}.png", "{}.png", "{seed!r}.png", "{seed:>99}.png"),
        *("{name.__class__}.png", "{{seed}}.png"),
    ],
)
def test_what_is_no_template_is_refused(template):
    with pytest.raises(InvalidValueError):
        check_template(template)


@pytest.mark.parametrize("output", ["out.jpg", "{seed}.jpg", "{seed}", "out", ".png"])
def test_only_a_png_can_be_promised(output):
    check_png(Path("Out.PNG"))
    with pytest.raises(InvalidValueError, match=r"\.png"):
        ApplyRequest(references=(Asked("young", 1.0),), output=Path(output))


@pytest.mark.parametrize(
    "name", ["..", ".", "../up", "a/b", "a\\b", ".hidden", "", "a\0b", "a\nb", "\x1b[2J", "x" * 101]
)
def test_a_value_that_could_lead_elsewhere_is_refused(name):
    with pytest.raises(InvalidValueError):
        fill_in("{name}/out.png", VALUES | {"name": name})


def test_a_value_is_never_taken_for_a_template():
    assert fill_in("{name}.png", VALUES | {"name": "{seed}"}) == Path("{seed}.png")


def test_a_key_without_a_value_is_refused():
    with pytest.raises(InvalidValueError, match=r"\{name\}"):
        fill_in("{name}.png", {"seed": "7"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A photo, of: a man!", "a-photo-of-a-man"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "empty"),
        ("é 日本", "é-日本"),
    ],
)
def test_a_slug_holds_letters_and_digits_alone(text, expected):
    assert slug(text) == expected
    assert len(slug("word " * 50)) <= 60
