"""The rules of the house, read off the source: who may import whom, how long things may be, what never occurs."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import attrbank

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "attrbank"
MODULES = sorted(PACKAGE.rglob("*.py"))
SHIPPED = [*MODULES, *sorted((ROOT / "plugins").rglob("*.py"))]

FOUNDATION = {"errors", "names", "placement", "text"}
MAY_IMPORT = {
    "errors": set(),
    "placement": set(),
    "text": set(),
    "names": {"errors"},
    "schema": {"names"},
    "measurements": {"schema"},
    "hookspecs": FOUNDATION,
    "builtin": {"hookspecs"},
    "discovery": FOUNDATION | {"hookspecs"},
    "plugin_guard": FOUNDATION | {"discovery"},
    "plugin_manager": FOUNDATION | {"hookspecs", "discovery", "plugin_guard", "shortnames"},
    "scaffold": FOUNDATION,
    "png_text": FOUNDATION,
    "output_names": FOUNDATION,
    "picture_files": FOUNDATION | {"schema"},
    "input_image": FOUNDATION,
    "input_latent": FOUNDATION | {"input_image"},
    "framing": {"diffusion", "input_image"},
    "files": FOUNDATION,
    "shortnames": FOUNDATION | {"files"},
    "requests": FOUNDATION | {"schema", "output_names"},
    "avi": {"errors"},
    "store": FOUNDATION | {"schema", "measurements"},
    "artifact": FOUNDATION | {"schema", "store"},
    "transfer": FOUNDATION | {"files", "artifact", "measurements", "store"},
    "diffusion": {"errors"},
    "samplers": {"errors", "diffusion"},
    "backbones": FOUNDATION | {"diffusion", "shortnames"},
    "methods": FOUNDATION | {"schema", "avi", "diffusion"},
}
"""Layer -> the layers of ours beneath it (docs/architecture.md 2). Layers above these import what they need."""

UPPERMOST = {"cli", "testing"}
"""Nothing imports these but themselves and the two entrances."""

FORBIDDEN_PACKAGES = {
    "avi": {"diffusers", "pydantic", "sqlite_utils", "sqlite3", "safetensors", "typer", "rich", "pluggy", "pathlib"},
    "store": {"torch", "numpy", "safetensors", "diffusers", "typer", "rich", "pluggy"},
    "schema": {"torch", "sqlite3", "typer"},
    "measurements": {"torch", "numpy", "sqlite3", "typer"},
    "samplers": {"diffusers", "sqlite3", "typer"},
    "cli": {"sqlite3", "sqlite_utils", "safetensors", "diffusers", "torch", "numpy", "PIL"},
}
DANGEROUS_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
DANGEROUS_CALLS = {"eval", "exec", "compile", "__import__", "torch.load", "yaml.load", "numpy.load", "np.load"}

LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere, except for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {id(inner) for node in ast.walk(tree) if _is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from _imported_from(node)


def _imported_from(node: ast.ImportFrom) -> Iterator[str]:
    if node.module == "attrbank":
        yield from (f"attrbank.{alias.name}" for alias in node.names)
    else:
        yield str(node.module)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def layers_imported_by(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in imports_of(path) if name.startswith("attrbank.")}
    return {name for name in names if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()}


def called(node: ast.Call) -> str:
    return ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_what_lies_beneath_it(layer: str) -> None:
    paths = [path for path in MODULES if layer_of(path) == layer]
    assert paths
    too_high = {name_of(p): layers_imported_by(p) - MAY_IMPORT[layer] - {layer} for p in paths}
    assert {path: found for path, found in too_high.items() if found} == {}


def test_nothing_imports_the_command_line() -> None:
    entrances = {"__main__", *UPPERMOST}
    found = {name_of(p) for p in MODULES if layer_of(p) not in entrances and layers_imported_by(p) & UPPERMOST}
    assert found == set()


@pytest.mark.parametrize("layer", ["learning", "editing", "planning"])
def test_the_engine_reaches_samplers_by_name_only(layer: str) -> None:
    assert layers_imported_by(PACKAGE / f"{layer}.py") & {"samplers", "evaluation"} == set()


@pytest.mark.parametrize("layer", FORBIDDEN_PACKAGES)
def test_a_layer_keeps_away_from_packages_that_are_not_its_own(layer: str) -> None:
    for path in (path for path in MODULES if layer_of(path) == layer):
        packages = {name.split(".")[0] for name in imports_of(path)}
        assert packages & FORBIDDEN_PACKAGES[layer] == set(), name_of(path)


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_nothing_can_execute_what_it_reads(path: Path) -> None:
    assert {name.split(".")[0] for name in imports_of(path)} & DANGEROUS_MODULES == set()
    calls = {
        called(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    }
    assert calls & DANGEROUS_CALLS == set()


def test_no_model_of_the_hub_is_counted_on() -> None:
    """Hub ids come and go with their owners; only users name models."""
    texts = [
        node.value
        for path in SHIPPED
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert {text for text in texts if re.fullmatch(r"(?!(docs|bank)/)\w[\w.-]*/\w[\w.-]*", text)} == set()


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
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
