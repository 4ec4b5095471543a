"""Whatever goes wrong is one sentence, a hint and a documented exit code, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attrbank.cli import listing
from attrbank.plugins.built_ins import COMMANDS
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli, artifact

LEARN = ("learn", "young", "--source", "a", "--target", "b")

REJECTED_BY_THE_PARSER = [
    ("no-such-command",),
    ("list", "--no-such-option"),
    ("list", "surplus"),
    ("learn", "young"),
    ("learn", "young", "--source", "a"),
    (*LEARN, "--t-x", "soon"),
    (*LEARN, "--vectors", "nonsense"),
    (*LEARN, "--core", "nonsense"),
    (*LEARN, "--tail", "nonsense"),
    (*LEARN, "--preset", "nonsense"),
    (*LEARN, "--seeds", "0-3", "--seed", "4"),
    (*LEARN, "--steps", "2.5"),
    ("apply",),
    ("apply", "young", "--inversion", "nonsense"),
    ("apply", "young", "--seed", "many"),
    ("apply", "young", "--core", "nonsense"),
]

BAD_VALUES = [
    ("learn", "Young", "--source", "a", "--target", "b"),
    ("learn", "../young", "--source", "a", "--target", "b"),
    ("learn", "", "--source", "a", "--target", "b"),
    (*LEARN, "--source", "c"),
    (*LEARN, "--t-x", "0"),
    (*LEARN, "--t-x", "1.5"),
    (*LEARN, "--t-x", "nan"),
    (*LEARN, "--t-x", ".1"),
    (*LEARN, "--t-x", "1", "--delta-tau", "0"),
    (*LEARN, "--delta-tau", ".7"),
    (*LEARN, "--delta-tau", "inf"),
    (*LEARN, "--seeds", "-5"),
    (*LEARN, "--seeds", "5-1"),
    (*LEARN, "--seeds", "1,,2"),
    (*LEARN, "--seeds", "1,1"),
    (*LEARN, "--seeds", "0-99999999999"),
    (*LEARN, "--seed", "-1"),
    (*LEARN, "--seed", "9223372036854775807"),
    (*LEARN, "--rank", "0"),
    (*LEARN, "--steps", "0"),
    (*LEARN, "--guidance-scale", "nan"),
    (*LEARN, "--tail", "alg1"),
    (*LEARN, "--k", "3"),
    (*LEARN, "--vectors", "paper", "--rank", "3"),
    (*LEARN, "--vectors", "paper", "--k", "0"),
    (*LEARN, "--preset", "paper", "--vectors", "difference"),
    ("apply", "young:"),
    ("apply", "young:strong"),
    ("apply", "young:nan"),
    ("apply", "young:1e999"),
    ("apply", "Young"),
    ("apply", "young", "young:0.5"),
    ("apply", "young", "--rho", "inf"),
    ("apply", "young", "--seed", "-1"),
    ("apply", "young", "--seed", "9223372036854775808"),
    ("apply", "young", "--steps", "0"),
    ("apply", "young", "--guidance-scale", "-1"),
    ("list", "--filter", "nonsense"),
    ("list", "--sort", "nonsense"),
    ("show", "Young"),
    ("rm", "young@xyz"),
]


def line(arguments: tuple[str, ...]) -> str:
    return " ".join(arguments)


@pytest.mark.parametrize("arguments", REJECTED_BY_THE_PARSER, ids=line)
def test_the_parser_rejects_with_two(arguments: tuple[str, ...], cli: Cli) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert "--help" in outcome.err


@pytest.mark.parametrize("arguments", BAD_VALUES, ids=line)
def test_a_bad_value_exits_with_four(arguments: tuple[str, ...], cli: Cli, bank: Bank) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err.startswith("error: ")
    assert "\nhint: " in outcome.err
    assert not bank.path.exists()


@pytest.mark.parametrize("command", ["show", "rm", "restore"])
def test_an_unknown_attribute_exits_with_three(command: str, cli: Cli) -> None:
    assert cli(command, "nobody").code == 3


def test_a_bank_that_is_a_file_exits_with_seven(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a bank")
    for command in (("list",), ("show", "young"), ("rm", "young"), ("verify",), ("reindex",)):
        outcome = cli(*command, "--bank", str(tmp_path / "file"))
        assert outcome.code == 7
        assert "\nhint: " in outcome.err


def test_an_unreadable_bank_exits_alike_however_it_is_named(
    cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.add(artifact())
    monkeypatch.setattr("os.access", lambda *_, **__: False)  # what the parser asks; the tests may run as root
    assert cli("list").code == cli("list", "--bank", str(bank.path)).code


def test_a_damaged_artifact_exits_with_five(cli: Cli, bank: Bank) -> None:
    bank.add(artifact())
    (path,) = bank.path.glob("objects/*/*.safetensors")
    path.chmod(0o644)
    path.write_bytes(b"")
    for command in (("show", "young"), ("verify",)):
        outcome = cli(*command)
        assert outcome.code == 5
        assert "\nhint: " in outcome.err


def test_a_command_nearly_right_is_answered_with_the_right_one(cli: Cli) -> None:
    assert "'list'" in cli("lsit").err


def test_hostile_arguments_are_shown_and_not_obeyed(cli: Cli) -> None:
    for arguments in (("[red]\x1b[2J",), ("show", "[/x]\x1b[2J"), ("list", "\x1b]0;owned\x07"), ("apply", "a:\x1b[2J")):
        outcome = cli(*arguments)
        assert outcome.code in {2, 3, 4}
        assert all(character.isprintable() or character == "\n" for character in outcome.err)
    assert "[red]" in cli("[red]").err


@pytest.mark.parametrize(("failure", "code"), [(RuntimeError("[b]\x1bno"), 1), (KeyboardInterrupt(), 130)])
def test_what_nobody_foresaw_is_a_sentence(
    failure: BaseException, code: int, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(Bank, "stream", fail)
    outcome = cli("list")
    assert outcome.code == code
    assert "Traceback" not in outcome.err
    assert "\x1b" not in outcome.err


def test_debugging_shows_the_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRBANK_DEBUG", "1")
    assert "Traceback" in cli("show", "nobody").err


def test_help_and_version_exit_with_zero(cli: Cli) -> None:
    assert cli().out == cli("--help").out
    assert cli("--version").out.startswith("attrbank ")
    for command in COMMANDS:
        outcome = cli(command.name, "--help")
        assert (outcome.code, outcome.err) == (0, "")
        assert command.summary in outcome.out.replace("\n", " ").replace("  ", " ")


def test_the_help_lists_every_command(cli: Cli) -> None:
    listed = cli("--help").out
    for command in COMMANDS:
        assert f"{command.name} " in listed
        assert command.summary in listed


def test_a_terminal_is_not_needed_to_read_json(cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.add(artifact())
    monkeypatch.setattr(listing.terminal, "in_terminal", lambda: True)
    assert len(json.loads(cli("list", "--json").out)) == 1
