from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attrbank.errors import InvalidValueError
from attrbank.store import ledger
from attrbank.store.bank import Bank
from attrbank.store.entry import derive
from attrbank.store.index import writing
from tests.helpers.artifacts import RECORD, artifact


@pytest.fixture
def varied(bank: Bank) -> Bank:
    bank.add(artifact("young", t_x=0.4))
    bank.add(artifact("smile", t_x=0.2, core="own", units={"own": 3}))
    paper = {"solver": "exact", "k": 8}
    bank.add(artifact("beard", t_x=0.8, vectors="paper", core=None, rank=None, units={}, paper=paper))
    return bank


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], ["beard", "smile", "young"]),
        (["t_x<0.5"], ["smile", "young"]),
        (["t_x>=0.4"], ["beard", "young"]),
        (["core=mean"], ["young"]),
        (["core!=mean"], ["beard", "smile"]),
        (["name~MIL"], ["smile"]),
        (["t_x<0.5", "unit>2"], ["smile"]),
        (["origin=starter"], []),
        (["target~young person"], ["beard", "smile", "young"]),
    ],
)
def test_filters_pick_what_they_say(varied: Bank, filters: list[str], names: list[str]) -> None:
    assert names == [entry.name for entry in varied.entries(filters)]
    assert len(names) == varied.count(filters)


@pytest.mark.parametrize(
    "text", ["", "young", "colour=red", "t_x", "t_x<", "t_x<soon", "current=1", "name);DROP TABLE artifacts;--=1"]
)
def test_malformed_filter_is_refused(varied: Bank, text: str) -> None:
    with pytest.raises(InvalidValueError):
        varied.entries([text])


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name:desc", ["young", "smile", "beard"]),
        ("t_x", ["smile", "young", "beard"]),
        ("t_x:desc", ["beard", "young", "smile"]),
        ("method", ["beard", "smile", "young"]),
    ],
)
def test_sort_orders_and_ties_go_by_name(varied: Bank, sort: str, names: list[str]) -> None:
    assert names == [entry.name for entry in varied.entries(sort=sort)]


def test_lists_as_json_and_as_rows_tell_what_the_entries_tell(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    prompt = "é\x1b\u202e\x7f 'quoted' \\"
    layered.add(artifact("odd", units={"mean": 0.1 + 0.2}, pairs=[{"source": prompt, "target": prompt}] * 2))
    entries, texts = layered.entries(), [text for (text,) in layered.rows(["document"])]
    assert [entry.as_json() for entry in entries] == [json.loads(text) for text in texts]
    assert [(entry.id, entry.unit, entry.created) for entry in entries] == layered.rows(["id", "unit", "created"])
    assert all(text.isascii() and text.isprintable() for text in texts)


@pytest.mark.parametrize("field", ["colour", "name, id", "pairs"])
def test_rows_of_an_unknown_field_are_refused(bank: Bank, field: str) -> None:
    with pytest.raises(InvalidValueError):
        bank.rows([field])


@pytest.mark.parametrize("sort", ["", "colour", "name:up", "name,id", "current"])
def test_malformed_sort_is_refused(varied: Bank, sort: str) -> None:
    with pytest.raises(InvalidValueError):
        varied.entries(sort=sort)


def test_limit_cuts_across_both_layers(bank: Bank, starter: Path) -> None:
    layered = Bank(bank.path, starter)
    layered.add(artifact("hat"))
    assert [entry.name for entry in layered.entries(limit=2)] == ["glasses", "hat"]
    assert layered.count() == 3


def _fill(bank: Bank, count: int) -> None:
    bank.add(artifact())
    with writing(bank.path / "index.db") as connection:
        for number in range(count):
            identity = f"{number:064x}"
            facts = derive(identity, RECORD | {"name": f"n{number:05}"}, 1)
            columns, marks = ", ".join(facts), ", ".join("?" * len(facts))
            connection.execute(f"INSERT INTO artifacts ({columns}) VALUES ({marks})", list(facts.values()))
            connection.execute(
                "INSERT INTO versions VALUES (?, ?, ?, 1, NULL)", (identity, facts["name"], ledger.now())
            )


def test_first_page_of_ten_thousand_attributes_is_quick(bank: Bank) -> None:
    _fill(bank, 10_000)
    start = time.process_time()
    shown, total = bank.entries(limit=50), bank.count()
    assert time.process_time() - start < 0.15
    assert (len(shown), total) == (50, 10_001)


FORBIDDEN = ("torch", "numpy", "safetensors", "sqlite_utils", "pydantic", "typer", "rich", "attrbank.schema.fields")
LISTING = """
import sys
from attrbank.store.bank import Bank
bank = Bank(sys.argv[1], sys.argv[2])
bank.entries(limit=50), bank.count(), bank.read(bank.resolve("young"))
print(*sys.modules)
"""


def test_listing_and_reading_load_nothing_heavy(bank: Bank, starter: Path) -> None:
    bank.add(artifact())
    command = [sys.executable, "-c", LISTING, str(bank.path), str(starter)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in FORBIDDEN if name in loaded] == []
