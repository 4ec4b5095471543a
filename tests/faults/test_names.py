"""Whatever is given as a name, a reference or a number is taken as the rule says, or refused in a sentence."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

from attrbank.errors import AttrbankError, InvalidValueError
from attrbank.names import parse_asked, parse_reference, parse_seeds, parse_strength, parse_when, validate_name
from attrbank.store.bank import Bank
from attrbank.text import NAME_PATTERN
from tests.faults.conftest import Tier, Tried
from tests.helpers.artifacts import artifact, snapshot

PARTS = (
    *(
        "a",
        "young",
        "smile-2",
        "0",
        "_",
        "-",
        ".",
        "..",
        "/",
        "\\",
        ":",
        "@",
        "@0.3",
        ":0.7",
        ":nan",
        ":-inf",
        "~",
        " ",
    ),
    *("CON", "%2e%2e", "$(x)", "`x`", "'; drop table versions; --", "[red]", "\x1b]0;x\x07", "\0", "\n", "\r", "\t"),
    *("ü", "u\u0308", "\u202e", "\u200b", "\ufeff", "\ud800", "İ", "ß", "①", "٣", "𝟘", "😀", "ａ", "x" * 70, "f" * 64),
    *(
        "0-3",
        "1e9",
        "9" * 30,
        "5-1",
        "--rho",
        "-rf",
        "/etc/passwd",
        "C:\\x",
        "\\\\host\\s",
        "{name}",
        "*",
        "?",
        "é" * 40,
    ),
)
READERS: tuple[Callable[[str], object], ...] = (parse_reference, parse_asked, parse_when, parse_seeds, parse_strength)


def made_up(chooser: random.Random) -> str:
    """A text of which nobody knows what it is."""
    if chooser.random() < 0.2:
        return "".join(chr(chooser.choice((chooser.randrange(128), chooser.randrange(0x3000)))) for _ in range(6))
    return "".join(chooser.choice(PARTS) for _ in range(chooser.randrange(1, 4)))


def complaint(text: str) -> str | None:
    """What is wrong with how a text is taken, if anything."""
    try:
        validate_name(text)
        accepted = True
    except InvalidValueError:
        accepted = False
    if accepted != bool(re.fullmatch(NAME_PATTERN, text, re.ASCII)):
        return f"{text!a} is {'taken' if accepted else 'refused'}"
    for reader in READERS:
        try:
            reader(text)
        except AttrbankError as error:
            if not error.message.isprintable() or len(error.message) > 500:
                return f"{reader.__name__} of {text!a} says {error.message!a}"
        except Exception as error:
            return f"{reader.__name__} of {text!a}: {type(error).__name__}"
    return None


def test_a_made_up_name_is_taken_by_the_rule_and_touches_no_file(tier: Tier, tried: Tried, tmp_path: Path) -> None:
    chooser, lost = random.Random(0), list[str]()
    bank = Bank(tmp_path / "bank")
    bank.add(artifact("young"))
    before = snapshot(tmp_path)
    for number in range(tier.names):
        text = made_up(chooser)
        if wrong := complaint(text):
            lost.append(wrong)
        if number % 500 == 0:
            lost += _asked_of(bank, text)
    assert snapshot(tmp_path) == before
    tried("made-up names", tier.names, lost)


def _asked_of(bank: Bank, text: str) -> list[str]:
    try:
        assert bank.resolve(text).name == "young"
    except AttrbankError:
        return []
    except Exception as error:
        return [f"a bank that is asked for {text!a}: {type(error).__name__}"]
    return []
