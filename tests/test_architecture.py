"""The rules of the house, read off the source: who may import whom, how long things may be, what never occurs."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import attrbank
from lab.rooms import MOST_ARROWS, MOST_FLOORS, MOST_ROOMS, ORDER, House, arrows_up, circles, count

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "attrbank"
HOUSE = House(ROOT)
MODULES = sorted(PACKAGE.rglob("*.py"))
SHIPPED = [*MODULES, *sorted((ROOT / "plugins").rglob("*.py"))]
OURS = [*SHIPPED, *sorted((ROOT / "lab").rglob("*.py"))]

ENTRANCES = {"__init__.py", "__main__.py"}
GROUND = {f"{name}.py" for name in ("errors", "names", "text")}
"""The only modules at the top of the package beside its entrances."""


FORBIDDEN_PACKAGES = {
    "avi": {"diffusers", "pydantic", "sqlite_utils", "sqlite3", "safetensors", "typer", "rich", "pluggy", "pathlib"},
    "store": {"torch", "numpy", "safetensors", "diffusers", "typer", "rich", "pluggy"},
    "schema": {"torch", "numpy", "sqlite3", "typer"},
    "diffusion": {"diffusers", "pydantic", "sqlite3", "typer"},
    "samplers": {"diffusers", "sqlite3", "typer"},
    "methods": {"diffusers", "sqlite3", "typer"},
    "cli": {"sqlite3", "sqlite_utils", "safetensors", "diffusers", "torch", "numpy", "PIL"},
}
DANGEROUS_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
DANGEROUS_CALLS = {"eval", "exec", "compile", "__import__", "torch.load", "yaml.load", "numpy.load", "np.load"}

CONVERTER = "attrbank/learning/attribute_control.py"
"""The one module that asks torch's reader, for tensors alone."""

LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere, except for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {id(inner) for node in ast.walk(tree) if _is_for_types(node) for inner in ast.walk(node)}
    for node in (node for node in ast.walk(tree) if id(node) not in for_types):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def called(node: ast.Call) -> str:
    return ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_room_has_its_place_in_the_order() -> None:
    assert set(HOUSE.rooms) <= {room for layer in ORDER for room in layer}


def test_nothing_lies_loose_at_the_top_of_the_package() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} <= ENTRANCES | GROUND


@pytest.mark.parametrize("room", sorted(HOUSE.rooms))
def test_a_room_imports_only_what_lies_beneath_it(room: str) -> None:
    """Anywhere in it, and for type checkers alone, too."""
    assert [imported for importing, imported in arrows_up(HOUSE.rooms) if importing == room] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even for type checkers alone."""
    assert circles(HOUSE.modules) == []


@pytest.mark.parametrize(
    ("what", "most"),
    [("rooms", MOST_ROOMS), ("floors", MOST_FLOORS), ("arrows", MOST_ARROWS)],
)
def test_the_house_is_no_larger_than_it_may_be(what: str, most: int) -> None:
    assert getattr(count(HOUSE), what) <= most


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_imports_are_absolute(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


@pytest.mark.parametrize("room", ["learning", "editing"])
def test_the_engine_reaches_samplers_by_name_only(room: str) -> None:
    assert HOUSE.rooms[room].isdisjoint({"samplers", "evaluation"})


@pytest.mark.parametrize("room", FORBIDDEN_PACKAGES)
def test_a_room_keeps_away_from_packages_that_are_not_its_own(room: str) -> None:
    for path in (path for path in MODULES if room_of(path) == room):
        packages = {name.partition(".")[0] for name in imports_of(path)}
        assert packages & FORBIDDEN_PACKAGES[room] == set(), name_of(path)


def is_dangerous(path: Path, node: ast.Call) -> bool:
    """Whether a call may run what it reads; torch's reader of tensors alone is asked in one place."""
    only_tensors = any(word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords)
    if called(node) == "torch.load" and only_tensors and name_of(path) == CONVERTER:
        return False
    return called(node) in DANGEROUS_CALLS


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_nothing_can_execute_what_it_reads(path: Path) -> None:
    assert {name.split(".")[0] for name in imports_of(path)} & DANGEROUS_MODULES == set()
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert [called(node) for node in calls if is_dangerous(path, node)] == []


@pytest.mark.parametrize("options", ["", ", weights_only=False", ", weights_only=x"])
def test_not_even_the_converter_reads_more_than_tensors(options: str) -> None:
    for given, path, dangerous in [
        (options, ROOT / CONVERTER, True),
        (", weights_only=True", PACKAGE / "store" / "blobs.py", True),
        (", weights_only=True", ROOT / CONVERTER, False),
    ]:
        (call,) = (node for node in ast.walk(ast.parse(f"torch.load(f{given})")) if isinstance(node, ast.Call))
        assert is_dangerous(path, call) == dangerous


def test_no_model_of_the_hub_is_counted_on() -> None:
    """Hub ids come and go with their owners; only users name models."""
    texts = [
        node.value
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert {text for text in texts if re.fullmatch(r"(?!(docs|bank)/)\w[\w.-]*/\w[\w.-]*", text)} == set()


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {f.name: f.end_lineno for f in functions if (f.end_lineno or 0) - f.lineno >= LONGEST_FUNCTION} == {}


def test_only_one_file_of_the_store_changes_the_file_system() -> None:
    writing = {"write_text", "write_bytes", "mkdir", "unlink", "rename", "replace", "rmdir", "chmod", "touch"}
    for path in (PACKAGE / "store").glob("*.py"):
        if path.name != "_fs.py":
            attributes = {
                node.func.attr
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                # str.replace takes two arguments, Path.replace one
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) < 2
            }
            assert attributes & writing == set(), name_of(path)


def test_every_public_name_can_be_had() -> None:
    for name in attrbank.__all__:
        assert getattr(attrbank, name) is not None
    with pytest.raises(AttributeError):
        _ = attrbank.nothing_of_the_kind


def test_every_error_is_public() -> None:
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    errors = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert errors <= set(attrbank.__all__)


def test_the_version_is_told_alike_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert attrbank.__version__ == project["version"]
