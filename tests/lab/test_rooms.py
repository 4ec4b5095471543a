"""What the house is counted by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lab.rooms import House, arrows_up, circles, count, floors, main

FILES = {
    "attrbank/__init__.py": "",
    "attrbank/errors.py": "",
    "attrbank/schema/__init__.py": "import attrbank.errors",
    "attrbank/store/__init__.py": "",
    "attrbank/store/bank.py": "def read():\n    from attrbank.store import index\n    from attrbank import schema",
    "attrbank/store/index.py": "from attrbank.errors import AnError",
    "lab/__init__.py": "",
    "lab/readme.py": "if TYPE_CHECKING:\n    from attrbank.store.bank import Bank",
    "plugins/attrbank-any/attrbank_any.py": "import attrbank.store.bank, os",
    "plugins/attrbank-any/tests/test_any.py": "import attrbank.schema",
}


@pytest.fixture
def house(tmp_path: Path) -> House:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(tmp_path)


def test_every_import_between_rooms_is_an_arrow(house: House) -> None:
    assert house.rooms == {
        "attrbank": set(),
        "errors": set(),
        "schema": {"errors"},
        "store": {"errors", "schema"},
        "lab/": {"store"},
        "plugins/": {"store"},
    }
    assert count(house) == (6, 4, 5, [], [])


def test_a_name_that_is_a_module_is_one(house: House) -> None:
    assert house.modules["attrbank.store.bank"] == {"attrbank.store.index", "attrbank.schema"}


def test_a_room_stands_above_all_that_it_imports(house: House) -> None:
    assert floors(house.rooms) == {"attrbank": 1, "errors": 1, "schema": 2, "store": 3, "lab/": 4, "plugins/": 4}


def test_circles_are_found_however_long() -> None:
    arrows = {name: frozenset(imported) for name, imported in {"a": "b", "b": "c", "c": "a", "d": "a", "e": ""}.items()}
    assert circles(arrows) == [("a", "b", "c")]


def test_an_arrow_to_the_same_layer_or_a_higher_one_goes_up(house: House) -> None:
    (house.root / "attrbank" / "schema" / "more.py").write_text("import attrbank.store.bank")
    (house.root / "attrbank" / "errors.py").write_text("import lab.readme")
    again = House(house.root)
    assert arrows_up(again.rooms) == [("errors", "lab/"), ("schema", "store")]
    assert count(again).circles == [
        ("attrbank.errors", "attrbank.schema", "attrbank.store.bank", "attrbank.store.index", "lab.readme")
    ]


def test_the_command_prints_a_table_or_json() -> None:
    app = typer.Typer()
    app.command()(main)
    assert "floors (10)" in CliRunner().invoke(app, []).stdout.splitlines()[-2]
    assert set(json.loads(CliRunner().invoke(app, ["--json"]).stdout)) == {"rooms", "floors", "arrows", "circles", "up"}
