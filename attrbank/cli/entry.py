"""Where the ``attrbank`` command begins: names of attributes are completed without typer, anything else is done by it.

Typer and the pydantic that it parses words with take longer than a completion may. So where the word to complete can be
nothing but an attribute, it is answered here, in the form that typer's scripts for the shells expect;
``tests/cli/test_completion.py`` holds this to what typer would say.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import NamedTuple

TAKING = {"apply": 0, "strip": 0, "grid": 0, "eval": 0, "matrix": 0, "export": 0, "replay": 1}
"""Commands whose words are attributes, any number of them, after so many words that are something else."""

_BEGINNING = re.compile(r"[a-z0-9_-]*")
_PLAIN = re.compile(r"[\w./:@=,+-]+")


class Asked(NamedTuple):
    """What a shell wants completed: the words before, and what there is of the last."""

    words: list[str]
    incomplete: str


def main() -> None:
    """Answer Tab if that is simple, or run the command line."""
    if (answer := answered(os.environ)) is not None:
        sys.exit(answer)
    from attrbank.cli.app import main as run

    run()


def answered(environment: Mapping[str, str]) -> int | None:
    """The exit code after a completion was printed; None if it takes more than the names of the bank."""
    shell = environment.get("_ATTRBANK_COMPLETE", "").removeprefix("complete_")
    asked = ASKED[shell](environment) if shell in ASKED else None
    if asked is None or not wants_attribute(asked):
        return None
    names = attributes_beginning(asked.incomplete)
    if shell == "fish" and environment.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        return 0 if names else 1
    print(PRINTED[shell](names))
    return 0


def attributes_beginning(incomplete: str, bank: Path | None = None) -> list[str]:
    """Names and aliases that begin so; none where anything is wrong."""

    def names() -> Iterable[str]:
        from attrbank.store.bank import Bank

        return Bank.open(bank).names(incomplete)

    return offered(names, incomplete)


def offered(names: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    """Those that begin so, in order, and in silence; none where anything is wrong."""
    if not _BEGINNING.fullmatch(incomplete):
        return []
    from attrbank.errors import AttrbankError

    try:
        with redirect_stderr(StringIO()):  # a warning in the middle of a line would spoil it
            return sorted({name for name in names() if name.startswith(incomplete)})
    except AttrbankError:
        return []


def wants_attribute(asked: Asked) -> bool:
    """Whether only an attribute can stand there: no option is near, no other bank is named, nothing is quoted."""
    command, *before = asked.words or [""]
    if command not in TAKING or len(before) < TAKING[command] or not all(map(_PLAIN.fullmatch, before)):
        return False
    return not any(word.startswith("-") for word in (*before, asked.incomplete))


def _of_bash(environment: Mapping[str, str]) -> Asked | None:
    line, place = environment.get("COMP_WORDS", "").split(), environment.get("COMP_CWORD", "")
    if not (place.isdecimal() and 2 <= int(place) <= len(line)):
        return None
    return Asked(line[1 : int(place)], line[int(place)] if int(place) < len(line) else "")


def _of_others(environment: Mapping[str, str]) -> Asked | None:
    line = environment.get("_TYPER_COMPLETE_ARGS", "")
    words = line.split()[1:]
    return Asked(words, "") if line.endswith(" ") or not words else Asked(words[:-1], words[-1])


def _lines(names: list[str]) -> str:
    return "\n".join(names)


def _arguments(names: list[str]) -> str:
    quoted = "\n".join(f'"{name}"' for name in names)  # a name holds nothing that would have to be escaped
    return f"_arguments '*: :(({quoted}))'" if names else "_files"


ASKED = {"bash": _of_bash, "zsh": _of_others, "fish": _of_others}
PRINTED = {"bash": _lines, "zsh": _arguments, "fish": _lines}
