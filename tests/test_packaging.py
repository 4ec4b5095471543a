"""What the wheel holds, and what it asks for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BEYOND = {"cli": ("term",), "evaluation": ("networks",), "executors": ("ray",), "plugin": ("test",), "ui": ("ui",)}
"""The only parts that may import what an extra brings."""


def packages(requirements: Iterable[str]) -> set[str]:
    """The names in requirements, each in its one canonical form."""
    return {re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def imported(module: Path) -> Iterator[str]:
    """The packages of others that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        yield from {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"attrbank"}


def test_whatever_is_imported_is_asked_for():
    providers, extras = packages_distributions(), PROJECT["optional-dependencies"]
    for module in (ROOT / "attrbank").rglob("*.py"):
        part = module.relative_to(ROOT / "attrbank").parts[0]
        asked = packages(PROJECT["dependencies"]).union(*(packages(extras[extra]) for extra in BEYOND.get(part, ())))
        missing = [name for name in imported(module) if not packages(providers.get(name, [name])) & asked]
        assert not missing, module


def test_the_package_needs_neither_the_laboratory_nor_a_plugin():
    names = {"lab", *(path.stem for path in (ROOT / "plugins").glob("*/attrbank_*"))}
    for module in (ROOT / "attrbank").rglob("*.py"):
        assert names.isdisjoint(imported(module)), module


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path).namelist()


def test_the_wheel_installs_one_package_and_nothing_beside_it(wheel: list[str]):
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"attrbank"}
    assert not [name for name in wheel if "lab" in Path(name).parts or "attrbank_findings" in name]


@pytest.mark.parametrize(
    "wanted",
    [
        "attrbank/py.typed",
        "attrbank/backbones/portraits/model/unet/diffusion_pytorch_model.safetensors",
        "attrbank/backbones/portraits/model/attrbank.json",
        "attrbank/evaluation/judges/oracles/judge.safetensors",
        "attrbank/plugin/templates/common/pyproject.toml.tmpl",
        "attrbank/ui/page/index.html",
        "attrbank/ui/page/main.js",
        "attrbank/plugin/templates/sampler/MODULE/sampler.py.tmpl",
        "attrbank/plugin/templates/sampler/tests/test_sampler.py.tmpl",
        "attrbank/_bank/SHA256SUMS",
        "attrbank/_bank/README.md",
    ],
)
def test_the_wheel_holds(wheel: list[str], wanted: str):
    assert wanted in wheel


def test_the_wheel_holds_the_whole_starter_bank(wheel: list[str]):
    bank = ROOT / "bank"
    shipped = {f"attrbank/_bank/{path.relative_to(bank).as_posix()}" for path in bank.rglob("*") if path.is_file()}
    assert sum(name.endswith(".safetensors") for name in shipped) >= 9
    assert shipped <= set(wheel)
