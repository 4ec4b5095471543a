"""One command makes what the documents show."""

from __future__ import annotations

import inspect
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from attrbank.cli.app import run as attrbank
from attrbank.errors import AttrbankError
from lab import readme, regenerate
from lab.regenerate import main
from lab.steps import STEPS, Step, filled
from tests.helpers.registered import registered

ROOT = Path(__file__).parents[2]
PAGES = {page: (ROOT / page).read_text(encoding="utf-8") for page in readme.PAGES}
RESULTS = PAGES[Path("docs/results.md")]
COMMANDS = [command.split() for step in STEPS for command in step.commands]

HELLO = Step("hello", ("docs/hello.txt",), ("tests.helpers.hello {out}/hello.txt",))
BROKEN = Step("broken", ("docs/broken.txt",), ("tests.helpers.hello {out}/broken.txt", "tests.helpers.none"))
LACKING = Step("lacking", ("docs/lacking.txt",), ("tests.helpers.hello {out}/lacking.txt",), ("attrbank-nowhere",))

app = typer.Typer()
app.command()(main)


def test_every_table_and_picture_of_the_pages_is_made_by_a_step() -> None:
    written = {path for step in STEPS for path in step.writes}
    shown = {f"docs/{file}" for table in readme.TABLES.values() for file in table.files}
    assert shown <= written | {str(regenerate.TIMES)}
    assert {name for page in PAGES.values() for name in readme.places(page)} == set(readme.TABLES)
    for page, text in PAGES.items():
        pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
        assert {(page.parent / picture).as_posix() for picture in pictures} <= written


def test_every_finding_that_is_kept_is_made_by_a_step() -> None:
    (findings,) = (step for step in STEPS if step.name == "findings")
    assert {f"docs/findings/{path.name}" for path in (ROOT / "docs" / "findings").iterdir()} == set(findings.writes)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] != "attrbank"], ids=lambda c: " ".join(c[:3]))
def test_every_module_takes_the_options_that_it_is_given(command: list[str]) -> None:
    options = {word[2:] for word in command if word.startswith("--")}
    assert options <= set(inspect.signature(import_module(command[0]).main).parameters)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] != "attrbank"], ids=lambda c: " ".join(c[:3]))
def test_the_command_under_a_table_judges_as_many_as_the_step(command: list[str], tmp_path: Path) -> None:
    words, options = filled(" ".join(command), tmp_path), inspect.signature(import_module(command[0]).main).parameters
    for option in {"--seeds", "--count"}.intersection(words):
        assert words[words.index(option) + 1] == str(options[option[2:]].default)


@pytest.mark.parametrize("command", [c[1:] for c in COMMANDS if c[0] == "attrbank"], ids=lambda c: " ".join(c[:2]))
@pytest.mark.usefixtures("findings")
def test_every_command_line_is_one(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise AttrbankError("So far, so good.")

    for work in ("evaluate.evaluate", "pairings.measure_matrix"):
        monkeypatch.setattr(f"attrbank.evaluation.{work}", stop)
    monkeypatch.setattr("attrbank_findings.inspect.inspect", stop)
    monkeypatch.setattr("attrbank.editing.run.apply", stop)
    assert attrbank(filled(" ".join(command), tmp_path)) == 1


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The package that brings ``inspect``."""
    with registered("attrbank-findings", tmp_path_factory.mktemp("installed")):
        yield


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pages whose tables are out of date, and three steps, two of which fail."""
    monkeypatch.setattr(regenerate, "STEPS", (LACKING, BROKEN, HELLO))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for path in (ROOT / "docs").glob("*.json"):
        (tmp_path / "docs" / path.name).write_bytes(path.read_bytes())
    for page in readme.PAGES:
        page.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / page).read_text(encoding="utf-8")
        page.write_text(re.sub(r"\d\.\d\d \[", "9.99 [", text), encoding="utf-8")
    return tmp_path


def test_a_step_that_fails_leaves_what_there_was_and_stops_no_other(clone: Path) -> None:
    Path("docs/broken.txt").write_text("before")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 11
    assert Path("docs/hello.txt").read_text() == "hello"
    assert Path("docs/broken.txt").read_text() == "before"
    assert "Run: pip install ./plugins/attrbank-nowhere" in result.stderr
    assert "Not made: lacking, broken." in result.stderr
    assert result.stdout == ""


def test_a_run_that_goes_on_does_again_what_failed_and_nothing_that_is_done(clone: Path) -> None:
    def again() -> str:
        return CliRunner().invoke(app, ["--work", "kept"]).stderr

    assert "hello: docs/hello.txt …" in again()
    Path("docs/hello.txt").unlink()
    told = again()
    assert "hello: done before" in told
    assert "broken: docs/broken.txt …" in told
    assert not Path("docs/hello.txt").exists()
    (clone / "bank" / "objects").mkdir(parents=True)
    (clone / "bank" / "objects" / "other.safetensors").write_text("another bank")
    assert "hello: docs/hello.txt …" in again()


def test_the_time_of_every_step_that_is_done_is_kept_and_of_all_when_all_are(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def times() -> dict[str, Any]:
        return dict(json.loads(regenerate.TIMES.read_text()))

    regenerate.TIMES.write_text('{"people": 32, "steps": {"other": 7}, "clock": 9}')
    CliRunner().invoke(app, ["--only", "hello"])
    assert times()["steps"].keys() == {"other", "hello"}
    assert times()["clock"] == 9
    CliRunner().invoke(app, ["--people", "8"])
    assert times()["steps"].keys() == {"hello"}
    assert "clock" not in times()
    monkeypatch.setattr(regenerate, "STEPS", (HELLO,))
    CliRunner().invoke(app, ["--people", "8"])
    assert times()["clock"] >= 0


def test_what_measures_time_runs_with_nothing_beside_it(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running, beside = list[str](), dict[str, list[str]]()

    def run(step: Step, scratch: Path, people: int) -> None:
        beside[step.name] = running.copy()
        running.append(step.name)
        time.sleep(0.2)
        running.remove(step.name)

    bars = Step("bars", (), (), alone=True)
    one, two, after = Step("one", (), ()), Step("two", (), ()), Step("after", (), (), after=("one", "two"))
    monkeypatch.setattr(regenerate, "STEPS", (bars, after, one, two))
    monkeypatch.setattr(regenerate, "run", run)
    assert CliRunner().invoke(app, []).exit_code == 0
    assert list(beside) == ["one", "two", "after", "bars"]
    assert beside == {"one": [], "two": ["one"], "after": [], "bars": []}


def test_what_a_page_tells_in_words_is_made_only_by_name(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regenerate, "STEPS", (HELLO, replace(HELLO, name="told", by_hand=True)))
    assert CliRunner().invoke(app, ["--list"]).stdout.split()[::2] == ["hello"]
    assert CliRunner().invoke(app, ["--list", "--only", "told"]).stdout.split()[::2] == ["told"]


def test_pages_get_their_tables_and_keep_the_rest(clone: Path) -> None:
    assert "9.99 [" in Path("docs/results.md").read_text(encoding="utf-8")
    assert CliRunner().invoke(app, ["--tables-only"]).exit_code == 0
    assert not Path("docs/hello.txt").exists()
    for page in readme.PAGES:
        assert page.read_text(encoding="utf-8") == (ROOT / page).read_text(encoding="utf-8")


def test_a_table_without_figures_stays_as_it_is(clone: Path) -> None:
    for path in Path("docs").glob("*.json"):
        path.unlink()
    before = Path("docs/results.md").read_text(encoding="utf-8")
    assert readme.rewritten(before, Path("docs")) == before


def test_steps_are_listed_with_what_they_write_and_chosen_by_name(clone: Path) -> None:
    assert CliRunner().invoke(app, ["--list"]).stdout.splitlines()[-1].split() == ["hello", "docs/hello.txt"]
    assert CliRunner().invoke(app, ["--only", "hello"]).exit_code == 0
    assert CliRunner().invoke(app, ["--only", "nothing"]).exit_code == 2
    assert CliRunner().invoke(app, ["--skip", "hello", "--list"]).stdout.split()[::2] == ["lacking", "broken"]


def test_a_shorter_run_judges_a_part_of_the_people_that_a_long_one_does() -> None:
    told = "x --seeds {people} {half} {quarter} --count {half_count} --out {out}/a"
    assert filled(told, Path("o"), 32) == [
        *("x", "--seeds", "10000-10031", "10000-10015", "10000-10007"),
        *("--count", "16", "--out", "o/a"),
    ]


def test_outside_a_clone_nothing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, []).exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [RESULTS * 2, RESULTS.replace("table: bars", "table: cars")], ids=["twice", "unknown"])
def test_a_page_with_other_places_is_refused(text: str) -> None:
    with pytest.raises(AttrbankError, match="no use for this place"):
        readme.rewritten(text, ROOT / "docs")
