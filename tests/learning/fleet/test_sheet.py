"""Files of attributes are read with their lines, and what is wrong with them is said of a line."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError
from attrbank.learning.fleet.sheet import LARGEST, rows_of

TOML = """\
# faces
[defaults]
source = "a man"   # of all
seeds = "0-3"

[attributes.old]
target = "an old man"

[ attributes . "young" ]
seeds = "4-7"
target = [
  "a young man",
]
attributes.x = 1

[attributes]
hat = { target = "a man with a hat" }
"""


def written(folder: Path, text: str | bytes, name: str = "a.toml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_table_is_an_attribute_with_the_defaults_and_every_key_has_its_line(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path, TOML))
    assert [(row.name, row.line) for row in rows] == [("old", 6), ("young", 9), ("hat", 17)]
    old, young, hat = rows
    assert old.values == {"source": "a man", "seeds": "0-3", "target": "an old man"}
    assert dict(old.lines) == {"source": 3, "seeds": 4, "target": 7}
    assert (young.values["seeds"], young.values["target"]) == ("4-7", ["a young man"])
    assert (young.lines["seeds"], young.lines["target"]) == (10, 11)
    assert hat.lines["target"] == 17


YAML = """\
# faces
defaults: {source: a man, seeds: 0-3}   # of all

attributes:
  old:
    target: an old man
  "young":
    seeds: 4-7
    steps: 10
    target:
    - "a young man"
    tune: no
  no: { target: 'a man: with a hat', tune: false, t_x: .5 }
"""


@pytest.mark.parametrize("name", ["a.yaml", "a.YML"])
def test_a_table_of_yaml_is_an_attribute_with_the_defaults_and_every_key_has_its_line(
    name: str, tmp_path: Path
) -> None:
    old, young, hat = rows_of(written(tmp_path, YAML, name))
    assert [(row.name, row.line) for row in (old, young, hat)] == [("old", 5), ("young", 7), ("no", 13)]
    assert old.values == {"source": "a man", "seeds": "0-3", "target": "an old man"}
    assert dict(old.lines) == {"source": 2, "seeds": 2, "target": 6}
    assert young.values == {
        "source": "a man",
        "seeds": "4-7",
        "steps": 10,
        "target": ["a young man"],
        "tune": "no",
    }
    assert (young.lines["seeds"], young.lines["target"], hat.lines["target"]) == (8, 10, 13)
    assert (hat.values["target"], hat.values["tune"], hat.values["t_x"]) == ("a man: with a hat", False, 0.5)


@pytest.mark.parametrize(
    ("plain", "means"),
    [
        ("7", 7),
        ("-1.5e3", -1500.0),
        ("1:30", "1:30"),
        ("2026-13-45", "2026-13-45"),
        ("~", None),
        ("TRUE", True),
        ("9" * 5000, "9" * 5000),
        (".inf", ".inf"),
        ("'7'", "7"),
        ("|\n      a\n      b", "a\nb\n"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_an_unquoted_value_of_yaml_is_a_number_only_where_everybody_would_read_one(
    plain: str, means: object, tmp_path: Path
) -> None:
    (row,) = rows_of(written(tmp_path, f"attributes:\n  old:\n    note: {plain}\n", "a.yaml"))
    assert row.values["note"] == means


def test_a_line_of_csv_is_an_attribute_whose_empty_cells_say_nothing(tmp_path: Path) -> None:
    text = (
        '\ufeffname, source,target,keep,steps,tune\nold,a man,an old man,"man,woman; hat,cap",10,\n\nhat,a,b,,,TRUE\n'
    )
    old, hat = rows_of(written(tmp_path, text, "a.CSV"))
    assert (old.name, old.line) == ("old", 2)
    assert old.values == {"source": "a man", "target": "an old man", "keep": ["man,woman", "hat,cap"], "steps": 10}
    assert (hat.line, hat.values) == (4, {"source": "a", "target": "b", "tune": True})


def test_cells_of_csv_hold_line_breaks_as_they_are(tmp_path: Path) -> None:
    (row,) = rows_of(written(tmp_path, 'name,source,target\r\nold,"a\nman",an\u2028old man\r\n', "a.csv"))
    assert row.values == {"source": "a\nman", "target": "an\u2028old man"}


@pytest.mark.parametrize("part", ["a", "'a b'", '"\\"."', " a-b\t"])
@pytest.mark.parametrize("form", ["{} = 0", "[{}]", "old = {{ {} = 1 }}", "{}"])
def test_a_key_too_deep_to_parse_is_refused_at_once(part: str, form: str, tmp_path: Path) -> None:
    started = time.process_time()
    deep = form.format(".".join([part] * 100_000))
    with pytest.raises(InvalidValueError, match=r"a\.toml, line 4: a key has more than 8 parts"):
        rows_of(written(tmp_path, f"[attributes.old]\nnote = '''\n'''\n{deep}\n"))
    assert time.process_time() - started < 1


@pytest.mark.parametrize("deep", ['"{}"', "'{}'", '"""\n\\" {} """', "0 # {}", "0 # don't: {}"])
def test_dots_in_texts_and_comments_are_no_key(deep: str, tmp_path: Path) -> None:
    (row,) = rows_of(written(tmp_path, f"[attributes.old]\nnote = {deep.format('a.' * 40)}\n"))
    assert set(row.values) == {"note"}


def test_a_word_without_end_takes_no_longer_than_its_length(tmp_path: Path) -> None:
    started = time.process_time()
    with pytest.raises(InvalidValueError, match="is not TOML"):
        rows_of(written(tmp_path, "a" * LARGEST))
    assert time.process_time() - started < 1


@pytest.mark.parametrize("text", ["a" * LARGEST, "a: [" * (LARGEST // 4), "- " * (LARGEST // 2), "? " * (LARGEST // 2)])
def test_yaml_that_goes_on_and_on_is_refused_at_once(text: str, tmp_path: Path) -> None:
    started = time.process_time()
    with pytest.raises(InvalidValueError, match=r"a\.yaml, line 1: "):
        rows_of(written(tmp_path, text, "a.yaml"))
    assert time.process_time() - started < 1


@pytest.mark.parametrize("line", ["[" + " " * 2000, "a." * 20_000 + "a = 1"])
def test_what_looks_like_a_table_or_a_key_takes_no_longer_than_its_length(line: str, tmp_path: Path) -> None:
    started = time.process_time()
    (row,) = rows_of(written(tmp_path, f"[attributes.old]\nnote = '''\n{line}\n'''\n"))
    assert row.lines["note"] == 2
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("text", "name", "complaint"),
    [
        ("[attributes.old\n", "a.toml", r"a\.toml is not TOML: .*line 1"),
        ("[attributes.old]\n[attributes.old]\n", "a.toml", r"not TOML: Cannot declare .* twice \(at line 2"),
        ("a = " + "[" * 9000, "a.toml", "is not TOML"),
        ("[attributes]\nold = 1\n", "a.toml", r"a\.toml, line 2: old is no table"),
        ("\n[old]\ntarget = 'x'\n", "a.toml", r"a\.toml, line 2: there are \[defaults\] .* no old"),
        ("\nattributes = 1\n", "a.toml", r"line 2: there are"),
        ("", "a.toml", "names no attribute"),
        ("[defaults]\n", "a.toml", "names no attribute"),
        ("name,source,name\nold,a,young\n", "a.csv", "line 1: two columns are called name"),
        ("source\na\n", "a.csv", "line 1: no column is called name"),
        ("name,source\nold,a,b\n", "a.csv", "line 2: there are more cells than columns"),
        ('name,source\nold,"a\n', "a.csv", r"line \d: this is not CSV"),
        (b"name,source\nold,\xff\n", "a.csv", "line 2: this is not UTF-8"),
        ("x", "a.json", r"a\.json ends in none of \.toml, \.yaml, \.yml, \.csv"),
        ("", "a.yaml", r"a\.yaml, line 1: there are no defaults"),
        ("- a\n", "a.yaml", "line 1: there are no defaults"),
        ("defaults:\n  a: 1\n", "a.yaml", "names no attribute"),
        ("defaults: {}\nold: {}\n", "a.yaml", r"line 2: there are .* no old as here"),
        ("attributes:\n  old: 1\n", "a.yaml", "line 2: old is no table"),
        ("attributes:\n  a: {}\n  b: {}\n  a: {}\n", "a.yaml", "line 4: a is named a second time"),
        ("attributes:\n  a: &x {}\n  b: *x\n", "a.yaml", "line 2: anchors are not read"),
        ("attributes:\n  a: {}\n  b: *x\n", "a.yaml", "line 3: anchors are not read"),
        ("attributes:\n  a: {note: !!python/name:os.system x}\n", "a.yaml", "line 2: tags are not read"),
        ("attributes:\n  ? [a]\n  : {}\n", "a.yaml", "line 2: a key is no word"),
        ("attributes:\n  a: {}\n b: {}\n", "a.yaml", r"line 3: this is not YAML: "),
        ("attributes: {}\n---\na: 1\n", "a.yaml", "line 2: a second document begins"),
        ("a: " + "[" * 9000, "a.yaml", "line 1: .*(8 deep|nesting)"),
        ("a: " + "{a: " * 9000, "a.yaml", "line 1: something lies more than 8 deep"),
        ("a: \x00\n", "a.yaml", r"a\.yaml.*: this is not YAML"),
        (b"#" * (LARGEST + 1), "a.toml", "far too long"),
    ],
)
def test_what_is_no_such_file_is_said_in_a_sentence(
    text: str | bytes, name: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        rows_of(written(tmp_path, text, name))
    assert re.search(complaint, caught.value.message)
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_there_or_is_no_file_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(NotFoundError, match="There is no file"):
            rows_of(path)


@pytest.mark.parametrize("key", ["x.y", "'x'.\"y\"", "x = 1\ny", "[x]", "#"])
def test_lines_of_odd_keys_do_not_stop_a_file_that_is_right(key: str, tmp_path: Path) -> None:
    text = f'[attributes.old]\nnote = """\n{key}\n"""\n'
    (row,) = rows_of(written(tmp_path, text))
    assert row.line == 1
    error = row.wrong(AttrbankError("Broken."), "nothing")
    assert error.message == "a.toml, line 1, old: Broken."
