"""Command lines that are nearly right, and what was meant.

What is suggested is made of the words that were typed, and of nothing else; it is suggested only if it can be parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from typer.core import TyperGroup

from attrbank.errors import AttrbankError
from attrbank.names import parse_asked

COMMANDS = {
    **dict.fromkeys(("delete", "del", "remove", "uninstall"), "rm"),
    **dict.fromkeys(("edit", "generate", "run"), "apply"),
    "ls": "list",
    "train": "learn",
    "info": "show",
    "version": "--version",
    "help": "--help",
}
"""What commands of ours are called elsewhere."""

OPTIONS = {
    **dict.fromkeys(("--strength", "--weight", "--scale"), ("--rho", "--strengths")),
    **dict.fromkeys(("--cfg", "--cfg-scale", "--guidance"), ("--guidance-scale",)),
    **dict.fromkeys(("--out", "--output"), ("-o",)),
    **dict.fromkeys(("--image", "--input"), ("-i",)),
    **dict.fromkeys(("--model", "-m"), ("--backbone",)),
    **dict.fromkeys(("--negative", "--neg"), ("--negative-prompt",)),
    **dict.fromkeys(("-n", "--inference-steps"), ("--steps",)),
    "-p": ("--prompt",),
    "-s": ("--seed", "--seeds"),
}
"""What options of ours are called elsewhere; of several, the first that the command has."""

DEVICES = {"gpu": "cuda", "nvidia": "cuda", "cuda0": "cuda:0", "apple": "mps", "metal": "mps"}
"""What devices are called elsewhere."""

TEXTS = {"--prompt", "--negative-prompt", "--source", "--target"}
"""Options whose values are sentences, which are easily given without quotes."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_PERCENT = re.compile(r"([+-]?\d+(?:\.\d+)?)%")
_DECIMAL_COMMA = re.compile(r"([:=]-?\d+),(\d+)\b")
_ASKED = re.compile(r"(?:lora:)?([^:=]+)[:=]?(.*)")

CommandNamed = Callable[[str], Any]
"""The command of a name; None if there is none."""


class Part(NamedTuple):
    """An option with its value, if it takes one, or a word that belongs to none."""

    option: str | None
    value: str | None

    @property
    def words(self) -> list[str]:
        """As they are typed."""
        return [word for word in self if word is not None]


def corrected(words: Sequence[str], command_named: CommandNamed) -> list[str] | None:
    """The command line that was meant; None if nothing is known to be wrong with this one."""
    meant = _command_first(words, command_named)
    name = COMMANDS.get(meant[0], meant[0]) if meant else ""
    if name.startswith("--") and meant[0] in COMMANDS:
        return [name]
    command = command_named(name)
    if command is None or isinstance(command, TyperGroup):
        return None
    options = {name: param for param in command.params for name in param.opts if name.startswith("-")}
    typed = _in_order(_read(meant[1:], options, {}))
    fixed = _in_order(_fixed(list(_read(meant[1:], options, OPTIONS)), command))
    nothing_wrong = [name, *fixed] == [words[0], *typed]
    return None if nothing_wrong or not _can_be_parsed(command, fixed) else [name, *fixed]


def _command_first(words: Sequence[str], command_named: CommandNamed) -> list[str]:
    """Options that come before the command belong behind it."""
    if not words or not words[0].startswith("-"):
        return list(words)
    at = next((at for at, word in enumerate(words) if word in COMMANDS or command_named(word)), 0)
    return [*words[at:], *words[:at]]


def _in_order(parts: Iterable[Part]) -> list[str]:
    """The words again, options last."""
    return [word for part in sorted(parts, key=lambda part: part.option is not None) for word in part.words]


def _fixed(parts: Sequence[Part], command: Any) -> list[Part]:
    given = [_value(part) for part in _sentences(parts)]
    metavars = [param.metavar or "" for param in command.params if param.param_type_name == "argument"]
    loose = [part.value or "" for part in given if part.option is None]
    if any(":S" in metavar for metavar in metavars):
        loose = list(_references(loose))
    elif any(metavar.startswith(("REF", "NAME")) for metavar in metavars[:1]):
        loose[:1] = [_lower(word) for word in loose[:1]]
    return [*(Part(None, word) for word in loose), *(part for part in given if part.option is not None)]


def _read(words: Sequence[str], options: Mapping[str, Any], others: Mapping[str, Sequence[str]]) -> Iterator[Part]:
    """The words as the parser takes them.

    Args:
        words: behind the command's name.
        options: what it has, by name.
        others: other names for them, which are replaced.
    """
    rest = iter(words)
    for word in rest:
        typed, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = next((name for name in others.get(typed, ()) if typed not in options and name in options), typed)
        if not option.startswith("-") or _NUMBER.fullmatch(option):
            yield Part(None, word)
        elif equals:
            yield Part(option, value)
        else:
            yield Part(option, None if option not in options or options[option].is_flag else next(rest, None))


def _sentences(parts: Sequence[Part]) -> list[Part]:
    """What stands behind a text of one word belongs to it, unless nothing else would be left."""
    joined: list[Part] = []
    growing = False
    for part in parts:
        if part.option is None and growing:
            joined[-1] = Part(joined[-1].option, f"{joined[-1].value} {part.value}")
        else:
            growing = part.option in TEXTS and " " not in (part.value or " ")
            joined.append(part)
    return joined if any(part.option is None for part in joined) else list(parts)


def _value(part: Part) -> Part:
    if part.option is None or part.value is None or part.option in TEXTS:
        return part
    if part.option == "--device":
        return Part(part.option, DEVICES.get(part.value.lower(), part.value))
    spans = part.value.replace("..", "-") if part.option == "--seeds" else part.value
    percent = _PERCENT.fullmatch(spans)
    return Part(part.option, _share(percent) if percent else spans)


def _references(words: Iterable[str]) -> Iterator[str]:
    """Attributes as we write them: ``young:0.7 smile`` for ``(Young:70%), smile``, ``young=.7`` or ``young 0.7``."""
    waiting: str | None = None
    for word in words:
        for piece in [word] if _is_file(word) else _DECIMAL_COMMA.sub(r"\1.\2", word).split(","):
            text = _PERCENT.sub(_share, piece.strip(" ()<>"))
            if waiting is not None and ":" not in waiting and _NUMBER.fullmatch(text):
                waiting = f"{waiting}:{text}"
            elif text:
                yield from [] if waiting is None else [waiting]
                waiting = _reference(text)
    yield from [] if waiting is None else [waiting]


def _reference(text: str) -> str:
    found = _ASKED.fullmatch(text)
    if _is_file(text) or found is None:
        return text
    return f"{_lower(found[1])}:{found[2]}" if found[2] else _lower(found[1])


def _lower(word: str) -> str:
    return word if _is_file(word) else word.lower()


def _is_file(word: str) -> bool:
    return "/" in word or word.lower().endswith(".png")


def _share(percent: re.Match[str]) -> str:
    return f"{float(percent[1]) / 100:g}"


def _can_be_parsed(command: Any, words: list[str]) -> bool:
    """Whether the parser takes these words, and those that are attributes can be read as such."""
    try:
        context = command.make_context(command.name, list(words))
        for param in command.params:
            if ":S" in (param.metavar or "") and param.param_type_name == "argument":
                for text in context.params[param.name] or ():
                    parse_asked(text)
    except Exception as error:  # the parser's own are no subclass of one that it exports
        if isinstance(error, AttrbankError) or hasattr(error, "exit_code"):
            return False
        raise
    return True
