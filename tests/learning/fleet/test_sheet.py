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
        ("x", "a.yaml", r"a\.yaml ends in none of \.toml, \.csv"),
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
