"""A command line that is nearly right is answered with the one that was meant, and with no words but its own."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from attrbank.cli.app import built_in
from attrbank.cli.slips import COMMANDS, OPTIONS, corrected
from attrbank.plugins.built_ins import COMMANDS as BUILT_IN
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli, artifact
from tests.cli.test_startup import HEAVY, REPORT_IMPORTS, run_python

MEANT = {
    "apply young 0.7": "apply young:0.7",
    "apply young -0.7": "apply young:-0.7",
    "apply young,smile 0.5": "apply young smile:0.5",
    "apply young, smile": "apply young smile",
    "apply Young": "apply young",
    "apply Young@0.3": "apply young@0.3",
    "apply '(young:0.7)'": "apply young:0.7",
    "apply '<lora:young:0.7>'": "apply young:0.7",
    "apply young=0.7 --seed 3": "apply young:0.7 --seed 3",
    "apply young:70%": "apply young:0.7",
    "apply young:0,7 smile": "apply young:0.7 smile",
    "apply young --rho=70%": "apply young --rho 0.7",
    "apply young --strength 0.7": "apply young --rho 0.7",
    "strip young --strength 0:1:3": "strip young --strengths 0:1:3",
    "apply young -s 7": "apply young --seed 7",
    "apply young -p hello": "apply young --prompt hello",
    "apply young --seeds 0..3": "apply young --seeds 0-3",
    "apply young --device gpu": "apply young --device cuda",
    "apply young -p a photo of a man --seed 7": "apply young --prompt 'a photo of a man' --seed 7",
    "learn grin --source a man --target a man, sad": "learn grin --source 'a man' --target 'a man, sad'",
    "learn Grin --source a --target b": "learn grin --source a --target b",
    "--seed 7 apply young": "apply young --seed 7",
    "replay a.png Young 0.5": "replay a.png young:0.5",
    "show Young": "show young",
    "version": "--version",
    "delete young": "rm young",
    "ls": "list",
}


@pytest.mark.parametrize(("typed", "meant"), MEANT.items(), ids=MEANT)
def test_a_slip_is_answered_with_what_was_meant(typed: str, meant: str, cli: Cli, bank: Bank, tmp_path: Path) -> None:
    outcome = cli(*(str(tmp_path / word) if word == "a.png" else word for word in shlex.split(typed)))
    assert (outcome.code in {2, 3, 4}, outcome.out) == (True, "")
    if "a.png" not in typed:  # which is not there, and is said to be missing
        assert f"hint: Write: attrbank {meant}\n" in outcome.err
    assert shlex.split(meant) == corrected(shlex.split(typed), built_in)


@pytest.mark.parametrize(
    "typed",
    [
        *("apply young", "apply young:0.7@0.3 smile --prompt 'a man' --seed 7", "note young 'Some Text'", "list"),
        *("apply --seed 7 young --rho=0.5", "list --filter 'note~100%'"),
        *("show out/A.PNG", "plugins check Path", "grid --x young=0:1:5 --y smile=0:1:3", "replay A.png young:0.3"),
    ],
)
def test_what_is_right_is_left_alone(typed: str) -> None:
    assert corrected(shlex.split(typed), built_in) is None


@pytest.mark.parametrize("typed", ["apply a:\x1b[2J", "nonsense", "apply", "apply young --nonsense 3", "apply ,"])
def test_nothing_is_suggested_that_would_fail_again(typed: str) -> None:
    assert corrected(typed.split(" "), built_in) is None


def test_what_is_suggested_is_quoted_for_a_shell(cli: Cli) -> None:
    outcome = cli("apply", "Young", "--prompt", "it's $(rm -rf ~)\x1b]0;x\x07")
    assert r"""--prompt $'it\047s $(rm -rf ~)\033]0;x\007'""" in outcome.err
    assert all(character.isprintable() or character == "\n" for character in outcome.err)


def test_quotes_that_are_missing_are_told_before_anything_slow_is_imported(tmp_path: Path) -> None:
    bank = Bank(tmp_path / "bank")
    bank.add(artifact())
    words = ("apply", "young", "--prompt", "a", "photo", "of", "it")
    finished = run_python("-c", REPORT_IMPORTS, *words, bank=bank.path)
    assert "hint: Write: attrbank apply young --prompt 'a photo of it'" in finished.stderr
    assert set(finished.stderr.splitlines()) & HEAVY == set()


def test_h_is_help_everywhere(cli: Cli) -> None:
    for words in ((), ("apply",), ("plugins",), ("plugins", "new")):
        assert cli(*words, "-h").out == cli(*words, "--help").out != ""


def test_no_command_or_option_of_ours_counts_as_a_slip() -> None:
    assert not {command.name for command in BUILT_IN} & COMMANDS.keys()
    assert {name for name in COMMANDS.values() if not name.startswith("-")} <= {command.name for command in BUILT_IN}
    known = {name for command in BUILT_IN for param in built_in(command.name).params for name in param.opts}
    assert {name for names in OPTIONS.values() for name in names} <= known | {"--negative-prompt"}
