"""Tab offers commands, attributes, samplers and models in every shell, quickly, and never anything that misleads."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from attrbank.files import settings
from attrbank.store.bank import Bank
from tests.cli.conftest import artifact
from tests.cli.test_startup import HEAVY, HELLO, REPOSITORY, processor_time, run_python

COMPLETE = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from attrbank.cli.app import run
run([])
"""
QUICKLY = COMPLETE.replace("cli.app import run", "cli.entry import main").replace("run([])", "main()")


@pytest.fixture
def stocked(tmp_path: Path) -> Path:
    bank = Bank(tmp_path / "bank")
    for name in ("grin", "young", "yawn"):
        bank.add(artifact(name=name))
    bank.annotations.alias(bank.resolve("grin"), ["yes"])
    return bank.path


def offered(line: str, bank: Path, shell: str = "bash", code: str = COMPLETE) -> subprocess.CompletedProcess[str]:
    """What is printed for the last word of a line; its talk is what was imported."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_ARGS": line}
    asked |= {"_ATTRBANK_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "ATTRBANK_BANK": str(bank)} | asked
    words = [sys.executable, "-c", code]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("attrbank ap", ["apply"]),
        ("attrbank apply y", ["yawn", "yes", "young"]),
        ("attrbank apply young s", ["sad", "serious", "smile"]),
        ("attrbank rm gr", ["grin"]),
        ("attrbank sim", ["similar"]),
        ("attrbank similar gr", ["grin"]),
        ("attrbank diff young ya", ["yawn"]),
        ("attrbank apply young --sampler ddp", ["ddpm"]),
        ("attrbank learn x --backbone s", ["sd15"]),
        ("attrbank apply young --backb", ["--backbone"]),
        ("attrbank apply Y", []),
        ("attrbank plugins n", ["new"]),
        ("attrbank config set b", ["backbone", "bank"]),
    ],
)
def test_the_last_word_is_completed_without_torch(
    line: str, names: list[str], stocked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    settings.change("sd15", "/m", settings.SHORT_NAMES)
    found = offered(line, stocked)
    assert found.stdout.split() == names
    assert set(found.stderr.split()) & (HEAVY - {"safetensors"}) == set()


NAMES = ["apply", "apply young:0.7", "replay out.png", "strip", "grid", "export", "eval", "matrix"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("command", NAMES)
def test_names_are_completed_without_typer_as_typer_would(command: str, shell: str, stocked: Path) -> None:
    """What takes time is what is imported."""
    found = offered(f"attrbank {command} y", stocked, shell, QUICKLY)
    assert "young" in found.stdout
    assert found.stdout == offered(f"attrbank {command} y", stocked, shell).stdout
    imported = set(found.stderr.split())
    assert imported & (HEAVY | {"typer", "pydantic", "pluggy", "rich"}) == set()
    assert sum(name.startswith("attrbank.") for name in imported) <= 40


@pytest.mark.parametrize(
    "line",
    [
        *("attrbank ap", "attrbank apply young --sampler ddp", "attrbank apply --bank /x y", "attrbank show y"),
        *("attrbank apply 'a b' y", "attrbank replay o", "attrbank apply young -", "attrbank plugins n"),
    ],
)
def test_what_may_be_something_else_than_a_name_is_left_to_typer(line: str, stocked: Path) -> None:
    assert "typer" in offered(line, stocked, code=QUICKLY).stderr.split()


def test_a_shell_that_asks_whether_there_is_anything_is_told(stocked: Path) -> None:
    for word, code in (("y", 0), ("nobody", 1)):
        asked = {"_ATTRBANK_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": f"attrbank apply {word}"}
        environment = {"_TYPER_COMPLETE_FISH_ACTION": "is-args", "ATTRBANK_BANK": str(stocked)} | asked
        words = [sys.executable, "-m", "attrbank"]
        environment |= {"PYTHONPATH": str(REPOSITORY)}
        assert subprocess.run(words, env=os.environ | environment, check=False).returncode == code


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same(shell: str, stocked: Path) -> None:
    assert "yawn" in offered("attrbank apply y", stocked, shell).stdout
    assert "apply" in offered("attrbank ap", stocked, shell).stdout


def test_a_bank_that_is_damaged_offers_nothing_and_says_nothing(stocked: Path) -> None:
    (stocked / "index.db").write_bytes(b"junk" * 2000)
    found = offered("attrbank apply y", stocked)
    assert found.stdout.strip() == ""
    assert "error" not in found.stderr.split()


def test_the_script_for_a_shell_is_printed(stocked: Path) -> None:
    for shell in ("bash", "zsh", "fish"):
        environment = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "PYTHONPATH": str(REPOSITORY)}
        words = [sys.executable, "-m", "attrbank", "--show-completion", shell]
        shown = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert f"_ATTRBANK_COMPLETE=complete_{shell}" in shown.stdout


def test_a_completion_of_a_name_takes_less_than_a_hello_world(stocked: Path, tmp_path: Path) -> None:
    """Of typer, which takes about as long as a completion may: 150 ms of a free core."""
    (tmp_path / "hello.py").write_text(HELLO)
    greeted, completed = [], []
    for _ in range(5):
        started = processor_time()
        run_python(str(tmp_path / "hello.py"), "hello", bank=stocked)
        between = processor_time()
        offered("attrbank apply y", stocked, code=QUICKLY)
        greeted.append(between - started)
        completed.append(processor_time() - between)
    assert statistics.median(completed) < statistics.median(greeted), (completed, greeted)
