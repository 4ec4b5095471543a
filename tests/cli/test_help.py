"""Help shows first what everybody needs, has every command once, and its examples can be typed."""

from __future__ import annotations

import shlex

import pytest

from attrbank.cli.app import built_in
from attrbank.cli.help import EXAMPLES, PANELS, PUBLISHED, in_panels
from attrbank.plugins.built_ins import COMMANDS
from tests.cli.conftest import Cli


def test_every_command_stands_in_one_panel(cli: Cli) -> None:
    placed = [name for names in PANELS.values() for name in names]
    assert len(placed) == len(set(placed))
    assert {command.name for command in COMMANDS} <= set(placed)
    lines = cli("--help").out.splitlines()
    assert "Others:" not in lines
    assert [line[:-1] for line in lines if line[:-1] in PANELS] == list(PANELS)
    for command in COMMANDS:
        assert sum(line.split()[:1] == [command.name] for line in lines) == 1


def test_a_command_that_no_panel_knows_is_not_lost() -> None:
    class Greeting:
        help = "Say hello."

    assert in_panels({"greet": Greeting})["Others"] == [("greet", "Say hello.")]


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines if "COMMAND" not in line])
def test_examples_are_taken_by_the_parser(line: str) -> None:
    _, name, *words = shlex.split(line)
    command = built_in(name)
    assert command.make_context(name, words).params


def test_examples_are_shown_whole_however_narrow_the_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for name, lines in EXAMPLES.items():
        shown = cli(*([name] if name else []), "--help").out
        assert all(f"  {line}\n" in shown for line in lines)


def test_the_papers_options_come_last_and_shared_ones_behind_a_commands_own(cli: Cli) -> None:
    titles = [line[:-1] for line in cli("learn", "--help").out.splitlines() if line.endswith(":") and line[0] != " "]
    assert titles[:2] == ["Arguments", "Options"]
    assert titles[-2:] == [PUBLISHED, "Examples"]
    assert "How pictures are sampled" in titles[2:-2]


def test_help_reads_no_markup(cli: Cli) -> None:
    assert "REF[:S][@T]" in cli("apply", "--help").out
