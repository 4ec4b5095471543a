"""``similar``, ``dedupe`` and ``diff``: what is alike, what could go, and what differs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.helpers.artifacts import RECORD, pointing, usable
from tests.helpers.measured import a_card

PAPER: dict[str, Any] = {"vectors": "paper", "core": None, "rank": None, "units": {}, "paper": {"k": 2}}


@pytest.fixture(autouse=True)
def cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def stocked(bank: Bank) -> Bank:
    """*young* with a twin, an opposite, and one that has nothing to do with it."""
    for name, vector in (("young", [1, 0]), ("youth", [1, 0.1]), ("old", [-1, 0.5]), ("hat", [0, 1])):
        bank.add(pointing(name, vector))
    return bank


def test_what_is_alike_stands_above_and_opposites_below(cli: Cli, stocked: Bank) -> None:
    told = json.loads(cli("similar", "young", "--json").out)
    assert [one["name"] for one in told] == ["youth", "hat", "old"]
    assert [one["cosine"] for one in told] == pytest.approx([0.9950, 0, -0.8944], abs=1e-4)
    rows = cli("similar", "young").out.splitlines()
    assert [row.split()[0] for row in rows] == ["NAME", "youth", "hat", "old"]
    assert [row.split()[2] for row in rows] == ["COSINE", "0.995", "0.000", "-0.894"]


def test_the_limit_counts_opposites_and_the_rest_is_told(cli: Cli, stocked: Bank) -> None:
    outcome = cli("similar", "young", "--limit", "2")
    assert [row.split()[0] for row in outcome.out.splitlines()[1:]] == ["youth", "old"]
    assert outcome.err.startswith("1 more, with cosines between -0.")
    assert "more" not in cli("similar", "young", "--limit", "3").err
    assert cli("similar", "young", "--limit", "0").code == 2


def test_it_says_where_what_is_compared_is_not_what_acts(cli: Cli, stocked: Bank) -> None:
    live = {"core": "live", "units": {"mean": 1.0, "live": 2.0}, "times": [0.2, 0.5]}
    stocked.add(pointing("seldom", [1, 0.2], **live))
    assert "Of seldom the mean is compared" in cli("similar", "young").err
    assert "Of seldom the mean is compared" in cli("similar", "seldom", "--limit", "1").err
    assert "which is not what acts" in cli("diff", "young", "seldom").err
    assert "which is not what acts" not in cli("similar", "young", "--limit", "1").err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("similar", "paper"), 8, "paper cannot be compared"),
        (("similar", "nobody"), 3, "no attribute"),
        (("similar",), 2, ""),
        (("dedupe", "--above", "1.5"), 4, "no cosine"),
        (("dedupe", "--remove"), 2, "add --yes"),
        (("diff", "young", "nobody"), 3, "no attribute"),
        (("diff", "young", "young"), 4, "twice"),
        (("diff", "young"), 2, ""),
    ],
)
def test_what_cannot_be_answered_is_refused(
    arguments: tuple[str, ...], code: int, says: str, cli: Cli, stocked: Bank
) -> None:
    stocked.add(usable("paper", **PAPER))
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out if arguments[0] != "dedupe" else "") == (code, "")
    assert says in outcome.err
    assert len(stocked.entries()) == 5


def test_nothing_to_compare_with_is_no_error(cli: Cli, bank: Bank) -> None:
    bank.add(pointing("young", [1]))
    outcome = cli("similar", "young")
    assert (outcome.code, outcome.out) == (0, "")
    assert "nothing else to compare young with" in outcome.err
    assert cli("similar", "young", "--json").out == "[]\n"
    assert (cli("dedupe").code, cli("dedupe", "--json").out) == (0, "[]\n")
    assert "No two attributes" in cli("dedupe").err


def test_twins_are_shown_with_the_one_to_keep_and_stay(cli: Cli, stocked: Bank) -> None:
    youth = stocked.resolve("youth")
    stocked.measurements.keep_card(a_card(youth.id))
    outcome = cli("dedupe")
    assert [row.split()[0] for row in outcome.out.splitlines()] == ["NAME", "youth", "young"]
    young = stocked.resolve("young")
    assert f"attrbank rm {young.reference}\n" in outcome.err
    assert "Kept is the one that comes first by: measured before" in outcome.err
    (told,) = json.loads(cli("dedupe", "--json").out)
    assert (told["keep"]["name"], [one["name"] for one in told["others"]]) == ("youth", ["young"])
    assert told["others"][0]["cosine"] == pytest.approx(0.995, abs=1e-3)
    assert len(stocked.entries()) == 4


def test_a_suggestion_names_the_bank_it_is_for_and_is_quoted(cli: Cli, stocked: Bank) -> None:
    elsewhere = stocked.path.rename(stocked.path.parent / "my bank; x")
    told = cli("dedupe", "--above", "0.9", "--bank", str(elsewhere)).err
    assert re.search(rf"attrbank rm you\w+@[0-9a-f]{{12}} --bank '{elsewhere}'\n", told)
    assert f"attrbank dedupe --above 0.9 --remove --bank '{elsewhere}'\n" in told


def test_remove_moves_all_but_one_to_the_trash(cli: Cli, stocked: Bank) -> None:
    stocked.add(pointing("third", [1, 0.05]))
    kept = json.loads(cli("dedupe", "--json").out)[0]["keep"]["name"]
    outcome = cli("dedupe", "--remove", "--yes")
    assert outcome.code == 0
    assert {entry.name for entry in stocked.entries()} == {kept, "old", "hat"}
    gone = {"young", "youth", "third"} - {kept}
    assert {found.entry.name for found in stocked.trash()} == gone
    for name in gone:
        stocked.restore(name)
    assert len(stocked.entries()) == 5


@pytest.mark.parametrize("answer", ["y", "n"])
def test_remove_asks_first(answer: str, cli: Cli, stocked: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda text, err: (answer == "y") and "1" in text and err)
    assert cli("dedupe", "--remove").code == 0
    assert len(stocked.entries()) == (3 if answer == "y" else 4)


def test_what_is_shipped_is_never_removed(cli: Cli, stocked: Bank, tmp_path: Any, monkeypatch: Any) -> None:
    starter = Bank(tmp_path / "starter")
    shipped = starter.add(pointing("junior", [1, 0.01], seeds=list(range(4))))
    (starter.path / "index.db").unlink()
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: starter.path)
    outcome = cli("dedupe", "--remove", "--yes")
    assert outcome.code == 0
    assert "junior" in outcome.out
    assert Bank(starter.path / "nobody", starter.path).resolve("junior").id == shipped.id
    assert "read-only" in cli("dedupe").err


def test_of_two_attributes_what_differs_is_shown(cli: Cli, stocked: Bank) -> None:
    stocked.add(pointing("younger", [1, 0], t_x=0.3, pairs=[{"source": "a person", "target": "a [red]baby\x1b[2J"}]))
    cli("tag", "younger", "face")
    stocked.measurements.keep_card(a_card(stocked.resolve("young").id))
    told = json.loads(cli("diff", "young", "younger", "--json").out)
    assert told["cosine"] == pytest.approx(1)
    assert told["facts"]["t_x"] == [0.4, 0.3]
    assert told["facts"]["tags"] == [None, "face"]
    assert told["facts"]["success at 1"] == ["0.90 [0.85, 0.95]", None]
    assert not {"seeds", "method", "core", "fingerprint"} & told["facts"].keys()
    out = cli("diff", "young", "younger").out
    assert out.splitlines()[1].split() == ["cosine", "1"]
    assert "\x1b" not in out
    assert "[red]baby" in out
    everything = json.loads(cli("diff", "young", "younger", "--all", "--json").out)["facts"]
    assert everything["seeds"] == ["0-3", "0-3"]
    assert everything.keys() > told["facts"].keys()


def test_versions_of_one_name_and_what_has_no_cosine_can_be_compared(cli: Cli, stocked: Bank) -> None:
    before = stocked.resolve("young")
    stocked.add(pointing("young", [1, 1], backbone=RECORD["backbone"] | {"fingerprint": "f" * 16}), replace=True)
    told = json.loads(cli("diff", before.reference, "young", "--json").out)
    assert told["cosine"] is None
    assert "different methods, shapes or models" in told["why_not"]
    assert told["facts"]["fingerprint"] == [RECORD["backbone"]["fingerprint"], "f" * 16]
    stocked.add(usable("paper", **PAPER))
    outcome = cli("diff", "hat", "paper")
    assert (outcome.code, "paper cannot be compared" in outcome.err) == (0, True)
